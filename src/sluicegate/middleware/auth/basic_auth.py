"""Finds the user whose name and password a request shows (contract 08.3).

Asked for by `use_basic_auth`. Name and password stand in the field that `auth_configs.basic` names; with
`basic_auth.extract_from_body` also in the body, where two patterns find them. A user is a key: the token of the
organisation and the name.

A user who is not there costs as much time as a wrong password, so that nobody learns the names of users. A key without
a password is no user: its empty password would be everybody's.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Self

from sluicegate.apidef.classic import AuthConfig
from sluicegate.apidef.pattern import Pattern, compile_pattern
from sluicegate.chain.credentials import Credential, provides_identity
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection, Step
from sluicegate.chain.passwords import NOBODY
from sluicegate.errors import ConfigError
from sluicegate.store.keys import FoundKey
from sluicegate.store.tokens import ALGORITHMS, make_token

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import BasicAuth as BasicAuthConfig
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

MALFORMED = "Attempted access with malformed header, "
MISSING = Rejection(401, "Authorization field missing", "basic_auth_field_missing", flag="AMF")
NOT_BASIC = Rejection(400, f"{MALFORMED}header not in basic auth format", "basic_auth_header_malformed", flag="IHD")
NOT_BASE64 = Rejection(400, f"{MALFORMED}auth data not encoded correctly", "basic_auth_encoding_invalid", flag="IHD")
NOT_A_PAIR = Rejection(400, f"{MALFORMED}values not in basic auth format", "basic_auth_values_malformed", flag="IHD")
NO_NAME = Rejection(400, "Body do not contain username", "basic_auth_body_username_missing", flag="BIV")
NO_NAME_GROUP = Rejection(
    400, "username should be inside regexp match group", "basic_auth_body_username_group", flag="BIV"
)
NO_PASSWORD = Rejection(400, "Body do not contain password", "basic_auth_body_password_missing", flag="BIV")
NO_PASSWORD_GROUP = Rejection(
    400, "password should be inside regexp match group", "basic_auth_body_password_group", flag="BIV"
)
REFUSED = Rejection(401, "User not authorised", "basic_auth_refused", flag="AKI")
CROWDED = Rejection(
    503, "Too many passwords to check, try again later", "basic_auth_crowded", headers=((b"Retry-After", b"1"),)
)

KEPT_S = 60
"""For how long it is remembered that a password fitted, where `basic_auth.cache_ttl` says nothing."""

BODY_LIMIT_BYTES = 1 << 20
"""The longest body that is searched for a name and a password; a longer one is refused with 413."""

Pair = tuple[str, str]


class BasicAuth(Middleware):
    """Sets `exchange.token`, `key_hash` and `session`, unless another kind of credentials does."""

    name = "BasicAuthKeyIsValid"
    runs_when_ignored = False

    def __init__(self, api: Api, services: Services) -> None:
        classic, settings = api.classic, services.settings
        config = classic.basic_auth
        challenge = _challenge(classic.name)
        self._missing = MISSING.with_header(b"WWW-Authenticate", challenge)
        self._refused = REFUSED.with_header(b"WWW-Authenticate", challenge)
        self._credential = Credential(classic.auth_configs.get("basic", AuthConfig()))
        self._body = BodyPatterns(config) if config.extract_from_body else None
        self._provides_identity = provides_identity(classic, "basic_auth_user")
        self._org_id = classic.org_id
        self._algorithm = settings.hash_key_function
        self._shortest = settings.min_token_length
        self._hides_names = settings.basic_auth_hash_key_function not in ALGORITHMS
        self._find = services.keys.find
        self._passwords = services.passwords
        self._kept_s = 0 if config.disable_caching else config.cache_ttl if config.cache_ttl > 0 else KEPT_S

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when users are asked for. Raises ConfigError for patterns that are missing or wrong."""
        classic = api.classic
        return cls(api, services) if classic.use_basic_auth and not classic.use_keyless else None

    def on_request(self, exchange: Exchange) -> Step:
        """Find the user that the request shows, and check the password."""
        if exchange.looped_from_self and exchange.session is not None:
            return None  # its credentials may be stripped by now
        shown = self._shown_in(exchange)
        if isinstance(shown, Rejection):
            return shown if self._body is None else self._search_body(exchange, self._body)
        return self._check(exchange, *shown)

    def _shown_in(self, exchange: Exchange) -> Pair | Rejection:
        text = self._credential.text_in(exchange)
        if not text:
            return self._missing
        words = text.split(" ")
        if len(words) != 2:
            return NOT_BASIC
        encoded = words[1]
        try:
            decoded = base64.b64decode(encoded, validate=True)
        except ValueError:
            return NOT_BASE64
        if len(encoded) % 4:  # more padding than there should be
            return NOT_BASE64
        parts = decoded.decode("utf-8", "surrogateescape").split(":")
        return (parts[0], parts[1]) if len(parts) == 2 else NOT_A_PAIR

    async def _search_body(self, exchange: Exchange, patterns: BodyPatterns) -> Outcome:
        shown = patterns.find(await exchange.read_body(BODY_LIMIT_BYTES))
        if isinstance(shown, Rejection):
            return shown
        step = self._check(exchange, *shown)
        return await step if isinstance(step, Awaitable) else step

    def _check(self, exchange: Exchange, name: str, password: str) -> Step:
        token = make_token(self._org_id, name, self._algorithm) if name else ""
        if not token or len(token) < self._shortest:
            return self._check_nobody(password)
        found = self._find(token, self._org_id)
        if isinstance(found, FoundKey):
            return self._verify(exchange, found, password)
        return self._look_further(exchange, name, password, found)

    async def _look_further(
        self, exchange: Exchange, name: str, password: str, finding: Awaitable[FoundKey | None] | None
    ) -> Outcome:
        """Wait for the store; a user may also be filed under the older form of a token."""
        found = await finding if finding is not None else None
        if found is None and self._algorithm:
            older = self._find(make_token(self._org_id, name), self._org_id)
            found = await older if isinstance(older, Awaitable) else older
        step = self._check_nobody(password) if found is None else self._verify(exchange, found, password)
        return await step if isinstance(step, Awaitable) else step

    def _verify(self, exchange: Exchange, found: FoundKey, password: str) -> Step:
        stored = found.session.basic_auth_data
        if not stored.password:
            return self._check_nobody(password)
        fits = self._passwords.known(stored, password, self._kept_s)
        if fits is None:
            return CROWDED if self._passwords.is_crowded else self._work_out(exchange, found, password)
        return self._admit(exchange, found) if fits else self._refused

    async def _work_out(self, exchange: Exchange, found: FoundKey, password: str) -> Outcome:
        stored = found.session.basic_auth_data
        fits = await self._passwords.work_out(stored, password, self._kept_s)
        return self._admit(exchange, found) if fits else self._refused

    def _check_nobody(self, password: str) -> Step:
        """Refuse a user who is not there, in the time that it takes to refuse one who is."""
        if not self._hides_names:
            return self._refused
        return CROWDED if self._passwords.is_crowded else self._work_out_nobody(password)

    async def _work_out_nobody(self, password: str) -> Outcome:
        await self._passwords.work_out(NOBODY, password, 0)
        return self._refused

    def _admit(self, exchange: Exchange, found: FoundKey) -> Outcome:
        if self._provides_identity:
            exchange.token = found.token
            exchange.key_hash = found.name
            exchange.session = found.session
        return None


class BodyPatterns:
    """What finds a name and a password in a body: the first group of each of two patterns."""

    def __init__(self, config: BasicAuthConfig) -> None:
        self._name = _pattern("body_user_regexp", config.body_user_regexp)
        self._password = _pattern("body_password_regexp", config.body_password_regexp)

    def find(self, body: bytes) -> Pair | Rejection:
        """Return name and password, or what is missing."""
        text = body.decode("utf-8", "surrogateescape")
        if (name := self._name.search(text)) is None:
            return NO_NAME
        if not self._name.groups:
            return NO_NAME_GROUP
        if (password := self._password.search(text)) is None:
            return NO_PASSWORD
        return (name[1], password[1]) if self._password.groups else NO_PASSWORD_GROUP


def _pattern(field: str, text: str) -> Pattern:
    if not text:
        raise ConfigError(f"basic_auth.{field}", "is empty", "extract_from_body needs a pattern with one group")
    try:
        return compile_pattern(text)
    except ConfigError as error:
        raise ConfigError(f"basic_auth.{field}", error.what, error.hint) from None


def _challenge(realm: str) -> bytes:
    """Return the value of WWW-Authenticate (RFC 9110 section 11.6.1); the realm is a quoted string."""
    printable = "".join(one if one.isprintable() else " " for one in realm)
    quoted = printable.replace("\\", r"\\").replace('"', r"\"")
    return f'Basic realm="{quoted}"'.encode()
