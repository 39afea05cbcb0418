"""The OAuth 2 server of an API, under its listen path (contract 08.5).

Asked for by `use_oauth2`, also on a keyless API. It stands before versions and chain (contract 06.1), so no list of
paths or addresses keeps clients from it; CORS does count. `oauth_meta` says what it gives to whom.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote_to_bytes

from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Reply, Step
from sluicegate.middleware.answers.oauth_answers import NOT_KEPT, envelope
from sluicegate.middleware.answers.oauth_authorize import Authorizer
from sluicegate.middleware.answers.oauth_form import LONGEST_NAME, read_form
from sluicegate.middleware.answers.oauth_grants import Grants
from sluicegate.middleware.answers.oauth_issue import Issuer

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

NO_OWNER = "Attempted administrative access with invalid or missing key!"
WRONG_METHOD = envelope(405, "Method not supported")

Answer = Callable[["Exchange"], Awaitable[Reply]]


class OAuthEndpoints(Middleware):
    """Answers the paths that `owns` says are its."""

    name = "OAuthEndpoints"

    def __init__(self, api: Api, services: Services) -> None:
        self._tokens, self._api_id = services.oauth, api.api_id
        self._by_id = f"/{api.api_id}"
        self._secret = services.settings.secret.encode()
        issuer = Issuer(api, services)
        authorizer, grants = Authorizer(api, services, issuer), Grants(api, services, issuer)
        self._agree, self._grant = authorizer.agree, grants.answer
        either, posted = frozenset((b"GET", b"POST")), frozenset((b"POST",))
        self._paths: dict[str, tuple[frozenset[bytes], Answer]] = {}
        for path, methods, answer in (
            ("/tyk/oauth/authorize-client", posted, self._agree_for_owner),
            ("/oauth/authorize", either, authorizer.send_to_login),
            ("/oauth/token", either, self._token),
        ):
            self._paths[path] = self._paths[path + "/"] = (methods, answer)
        self._paths["/oauth/revoke"] = (posted, self._revoke)
        self._paths["/oauth/revoke_all"] = (posted, self._revoke_all)

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the server when an API asks for one."""
        return cls(api, services) if api.classic.use_oauth2 else None

    def owns(self, exchange: Exchange) -> bool:
        """Return whether a request is for one of the endpoints."""
        path = exchange.request.path
        if b"oauth/" not in path and b"%" not in path:
            return False
        return self._path_in(exchange) in self._paths

    def on_request(self, exchange: Exchange) -> Step:
        """Answer a request that is for one of the endpoints."""
        return self._answer(exchange, *self._paths[self._path_in(exchange)])

    async def _answer(self, exchange: Exchange, methods: frozenset[bytes], answer: Answer) -> Outcome:
        if exchange.request.method not in methods:
            return Reply(WRONG_METHOD.status, list(WRONG_METHOD.headers), WRONG_METHOD.body, tracked=False)
        return await answer(exchange)

    def _path_in(self, exchange: Exchange) -> str:
        """Return the path of a request without what the API is reached by: its listen path, or its id (06.1)."""
        path = unquote_to_bytes(exchange.request.path).decode("utf-8", "surrogateescape")
        relative = exchange.route.relative(path)
        return relative if relative in self._paths else path.removeprefix(self._by_id)

    async def _agree_for_owner(self, exchange: Exchange) -> Reply:
        given = exchange.request.headers.get(b"x-tyk-authorization") or b""
        if not self._secret or not hmac.compare_digest(given, self._secret):
            return envelope(403, NO_OWNER)
        return await self._agree(exchange)

    async def _token(self, exchange: Exchange) -> Reply:
        reply = await self._grant(exchange)
        reply.headers += NOT_KEPT
        return reply

    async def _revoke(self, exchange: Exchange) -> Reply:
        form = (await read_form(exchange)).posted
        token = form.get("token", "")
        if not token:
            return envelope(400, "token is required")
        if len(token) <= LONGEST_NAME:
            await self._tokens.revoke(self._api_id, token, form.get("token_type_hint", ""))
        return envelope(200, "token revoked successfully")

    async def _revoke_all(self, exchange: Exchange) -> Reply:
        form = (await read_form(exchange)).posted
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if not client_id or not secret:
            return envelope(401, "client_secret is required" if client_id else "client_id is required")
        is_name = len(client_id) <= LONGEST_NAME
        client = await self._tokens.records.client(self._api_id, client_id) if is_name else None
        if client is None:
            return envelope(404, "oauth client doesn't exist")
        if not hmac.compare_digest(client.secret.encode(), secret.encode()):
            return envelope(401, "client secret is wrong")
        await self._tokens.end_all(self._api_id, client_id, with_refresh=True)
        return envelope(200, "tokens revoked successfully")
