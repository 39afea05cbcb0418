"""Finds the key that a request shows, and its session (contract 08.1).

Asked for by `use_standard_auth`, and by every API that asks for nothing else and is not `use_keyless`. Where the token
is looked for, `auth_configs.authToken` (or the older `auth`) says. Authentication that is not served is refused when
the definition is loaded: an API never opens because the gateway cannot check a key.

A session that is cached or in an embedded store is found without waiting. When the store cannot say, the StoreError
goes through to the road, which answers 503: that is no verdict about the key.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Self

from sluicegate.chain.credentials import Credential, asks_for_tokens, provides_identity, token_config
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection, Step
from sluicegate.errors import ConfigError
from sluicegate.store.keys import FoundKey

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import APIDefinition, VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

FIELD_MISSING = Rejection(401, "Authorization field missing", "auth_field_missing", flag="AMF")
KEY_UNKNOWN = Rejection(403, "Access to this API has been disallowed", "auth_key_not_found", flag="AKI")

BEARER = "bearer"

OTHER_KINDS = {
    "use_openid": "OpenID Connect",
    "enable_jwt": "JSON Web Tokens",
    "enable_signature_checking": "HTTP signatures (HMAC)",
    "use_go_plugin_auth": "a Go plugin",
    "enable_coprocess_auth": "a plugin",
    "custom_plugin_auth_enabled": "a plugin",
}
"""Fields of a definition that ask for a kind of authentication that is not served yet, and what to call it."""


class AuthToken(Middleware):
    """Sets `exchange.token`, `key_hash` and `session`, unless another kind of credentials does."""

    name = "AuthKey"
    runs_when_ignored = False

    def __init__(self, api: Api, services: Services) -> None:
        self._token_in = Credential(token_config(api.classic)).text_in
        self._provides_identity = provides_identity(api.classic, "auth_token")
        self._org_id = api.classic.org_id
        self._shortest = services.settings.min_token_length
        self._find = services.keys.find

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step where tokens are asked for. Raises ConfigError for authentication that is not served."""
        refuse_other_kinds(api.classic)
        return cls(api, services) if asks_for_tokens(api.classic) else None

    def on_request(self, exchange: Exchange) -> Step:
        """Find the session of the token that the request shows."""
        if exchange.looped_from_self and exchange.session is not None:
            return None  # its credentials may be stripped by now
        request = exchange.request
        if request.token_for is self and exchange.changed_headers is None and exchange.url is None:
            token = request.token  # this very head has been read before
        else:
            token = self._token_in(exchange)
            if not token:
                return FIELD_MISSING
            if token[6:7] == " " and token[:6].lower() == BEARER:
                token = token[7:]
            if len(token) < self._shortest:
                return KEY_UNKNOWN
            if exchange.changed_headers is None and exchange.url is None:
                request.token, request.token_for = token, self
        found = self._find(token, self._org_id)
        if isinstance(found, FoundKey):
            return self._admit(exchange, token, found)
        return KEY_UNKNOWN if found is None else self._wait(exchange, token, found)

    async def _wait(self, exchange: Exchange, token: str, finding: Awaitable[FoundKey | None]) -> Outcome:
        found = await finding
        return KEY_UNKNOWN if found is None else self._admit(exchange, token, found)

    def _admit(self, exchange: Exchange, token: str, found: FoundKey) -> Outcome:
        if not self._provides_identity:
            return None
        exchange.token = found.token
        exchange.key_hash = found.name
        exchange.session = found.session
        if exchange.context is not None:
            exchange.context["token"] = token
        return None


def refuse_other_kinds(classic: APIDefinition) -> None:
    """Raise ConfigError when the definition asks for authentication that the gateway cannot check yet."""
    if classic.use_keyless:
        return
    asked = [f"{text} ({field})" for field, text in OTHER_KINDS.items() if getattr(classic, field)]
    if classic.external_oauth.enabled:
        asked.append("external OAuth (external_oauth.enabled)")
    if asks_for_tokens(classic) and token_config(classic).use_certificate:
        asked.append("client certificates as keys (use_certificate)")
    if asked:
        hint = "the API is not served while it asks for it"
        raise ConfigError("authentication", f"not served yet: {', '.join(asked)}", hint)
