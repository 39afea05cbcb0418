"""Finds the key that a request shows, and its session (contract 08.1).

Asked for by every API that is not `use_keyless`. The token is looked for in the header, query parameter and cookie that
`auth_configs.authToken` (or the older `auth`) names; a later one of these replaces an earlier one. Any other kind of
authentication is refused when the definition is loaded: an API never opens because the gateway cannot check a key.

A session that is cached or in an embedded store is found without waiting. When the store cannot say, the StoreError
goes through to the road, which answers 503: that is no verdict about the key.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Self

from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection, Step
from sluicegate.errors import ConfigError
from sluicegate.store.keys import FoundKey
from sluicegate.wire.cookies import cookie_of
from sluicegate.wire.query import parameter_of

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import APIDefinition, AuthConfig, VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

FIELD_MISSING = Rejection(401, "Authorization field missing", "auth_field_missing", flag="AMF")
KEY_UNKNOWN = Rejection(403, "Access to this API has been disallowed", "auth_key_not_found", flag="AKI")

DEFAULT_HEADER = "Authorization"
BEARER = "bearer"

OTHER_KINDS = {
    "use_oauth2": "OAuth 2",
    "use_openid": "OpenID Connect",
    "use_basic_auth": "basic authentication",
    "enable_jwt": "JSON Web Tokens",
    "enable_signature_checking": "HTTP signatures (HMAC)",
    "use_go_plugin_auth": "a Go plugin",
    "enable_coprocess_auth": "a plugin",
    "custom_plugin_auth_enabled": "a plugin",
}
"""Fields of a definition that ask for a kind of authentication that is not served yet, and what to call it."""


class AuthToken(Middleware):
    """Sets `exchange.token`, `key_hash` and `session`."""

    name = "AuthKey"
    runs_when_ignored = False

    def __init__(self, config: AuthConfig, api: Api, services: Services) -> None:
        header = config.auth_header_name or DEFAULT_HEADER
        fallback = DEFAULT_HEADER if config.disable_header else header
        self._header = b"" if config.disable_header else header.lower().encode()
        self._parameter = (config.param_name or fallback).encode() if config.use_param else b""
        self._cookie = (config.cookie_name or fallback).encode() if config.use_cookie else b""
        self._org_id = api.classic.org_id
        self._shortest = services.settings.min_token_length
        self._find = services.keys.find

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step unless the API is open. Raises ConfigError for authentication that is not served."""
        classic = api.classic
        refuse_other_kinds(classic)
        if classic.use_keyless:
            return None
        return cls(token_config(classic), api, services)

    def on_request(self, exchange: Exchange) -> Step:
        """Find the session of the token that the request shows."""
        if exchange.looped_from_self and exchange.session is not None:
            return None  # its credentials may be stripped by now
        request = exchange.request
        if request.token_for is self and exchange.changed_headers is None and exchange.url is None:
            token = request.token  # this very head has been read before
        else:
            token = self._token_of(exchange)
            if not token:
                return FIELD_MISSING
            if token[6:7] == " " and token[:6].lower() == BEARER:
                token = token[7:]
            if exchange.changed_headers is None and exchange.url is None:
                request.token, request.token_for = token, self
        if len(token) < self._shortest:
            return KEY_UNKNOWN
        found = self._find(token, self._org_id)
        if isinstance(found, FoundKey):
            return self._admit(exchange, token, found)
        return KEY_UNKNOWN if found is None else self._wait(exchange, token, found)

    async def _wait(self, exchange: Exchange, token: str, finding: Awaitable[FoundKey | None]) -> Outcome:
        found = await finding
        return KEY_UNKNOWN if found is None else self._admit(exchange, token, found)

    def _admit(self, exchange: Exchange, token: str, found: FoundKey) -> Outcome:
        exchange.token = found.token
        exchange.key_hash = found.name
        exchange.session = found.session
        if exchange.context is not None:
            exchange.context["token"] = token
        return None

    def _token_of(self, exchange: Exchange) -> str:
        headers = exchange.changed_headers
        if headers is None:
            headers = exchange.request.headers
        token = ""
        if self._header and (value := headers.get(self._header)) is not None:
            token = value.decode("utf-8", "surrogateescape")
        if self._parameter and (text := parameter_of(exchange.query, self._parameter)):
            token = text
        if self._cookie and (text := cookie_of(headers.get_all(b"cookie"), self._cookie)):
            token = text
        return token


def token_config(classic: APIDefinition) -> AuthConfig:
    """Return where tokens are looked for: `auth_configs.authToken`, else the older `auth`."""
    return classic.auth_configs.get("authToken", classic.auth)


def refuse_other_kinds(classic: APIDefinition) -> None:
    """Raise ConfigError when the definition asks for authentication that the gateway cannot check yet.

    Client certificates count for open APIs too; of all else an open API needs nothing.
    """
    asked = ["client certificates (use_mutual_tls_auth)"] if classic.use_mutual_tls_auth else []
    if not classic.use_keyless:
        asked += [f"{text} ({field})" for field, text in OTHER_KINDS.items() if getattr(classic, field)]
        if classic.external_oauth.enabled:
            asked.append("external OAuth (external_oauth.enabled)")
        if token_config(classic).use_certificate:
            asked.append("client certificates (use_certificate)")
    if asked:
        hint = "the API is not served until it asks for tokens only, or for nothing"
        raise ConfigError("authentication", f"not served yet: {', '.join(asked)}", hint)
