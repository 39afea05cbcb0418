"""Finds the session of the OAuth 2 token that a request shows (contract 08.5).

Asked for by `use_oauth2`. Tokens come from the gateway's own OAuth server (`middleware/answers/oauth_endpoints.py`) or
from that of a Tyk node with the same store. They are sessions like those of keys, and of a client: when that is gone,
they are refused. The header that `auth_configs.oauth` names is the only place where a token may stand.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Self

from sluicegate.apidef.classic import AuthConfig
from sluicegate.chain.credentials import DEFAULT_HEADER, provides_identity
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection, Step
from sluicegate.store.keys import FoundKey

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

MISSING = Rejection(400, "Authorization field missing", "oauth_field_missing", flag="AMF")
MALFORMED = Rejection(400, "Bearer token malformed", "oauth_field_malformed", flag="IHD")
UNKNOWN = Rejection(403, "Key not authorised", "oauth_key_not_found", flag="AKI")
CLIENT_GONE = Rejection(403, "Key not authorised. OAuth client access was revoked", "oauth_client_deleted", flag="EAD")

BEARER = "bearer"


class OAuth2(Middleware):
    """Sets `exchange.token`, `key_hash` and `session`, unless another kind of credentials does."""

    name = "Oauth2KeyExists"
    runs_when_ignored = False

    def __init__(self, api: Api, services: Services) -> None:
        classic = api.classic
        config = classic.auth_configs.get("oauth", AuthConfig())
        self._header = (config.auth_header_name or DEFAULT_HEADER).lower().encode()
        self._provides_identity = provides_identity(classic, "oauth_key")
        self._api_id, self._org_id = classic.api_id, classic.org_id
        self._shortest = services.settings.min_token_length
        self._find = services.keys.find
        self._client_exists = services.oauth.clients.exists

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when OAuth tokens are asked for."""
        classic = api.classic
        return cls(api, services) if classic.use_oauth2 and not classic.use_keyless else None

    def on_request(self, exchange: Exchange) -> Step:
        """Find the session of the token, and its client."""
        if exchange.looped_from_self and exchange.session is not None:
            return None  # its credentials may be stripped by now
        request, changed = exchange.request, exchange.changed_headers
        if request.token_for is self and changed is None:
            token = request.token  # this very head has been read before
        else:
            headers = request.headers if changed is None else changed
            words = (headers.get(self._header) or b"").decode("utf-8", "surrogateescape").split(" ")
            if len(words) < 2:
                return MISSING
            if words[0].lower() != BEARER:
                return MALFORMED
            token = words[1]
            if len(token) < self._shortest:
                return UNKNOWN
            if changed is None:
                request.token, request.token_for = token, self
        found = self._find(token, self._org_id)
        if isinstance(found, FoundKey):
            return self._look_for_client(exchange, found)
        return UNKNOWN if found is None else self._wait_for_key(exchange, found)

    async def _wait_for_key(self, exchange: Exchange, finding: Awaitable[FoundKey | None]) -> Outcome:
        found = await finding
        if found is None:
            return UNKNOWN
        step = self._look_for_client(exchange, found)
        return await step if isinstance(step, Awaitable) else step

    def _look_for_client(self, exchange: Exchange, found: FoundKey) -> Step:
        exists = self._client_exists(self._api_id, found.session.oauth_client_id)
        if exists is True:
            return self._admit(exchange, found)
        return CLIENT_GONE if exists is False else self._wait_for_client(exchange, found, exists)

    async def _wait_for_client(self, exchange: Exchange, found: FoundKey, asking: Awaitable[bool]) -> Outcome:
        return self._admit(exchange, found) if await asking else CLIENT_GONE

    def _admit(self, exchange: Exchange, found: FoundKey) -> Outcome:
        if self._provides_identity:
            exchange.token = found.token
            exchange.key_hash = found.name
            exchange.session = found.session
        return None
