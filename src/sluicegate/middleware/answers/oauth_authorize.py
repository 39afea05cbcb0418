"""The first half of the flows with a user: may this client ask, and what it is given when the user agrees (08.5).

oauth/authorize/               the browser comes, and is sent on to the owner's page of login and consent
tyk/oauth/authorize-client/    that page says, with the secret of the gateway, that the user agrees, and to what
                               session; it gets a code, or a token, and the address to send the browser back to
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_plus

from sluicegate.apidef.oauth import AccessData, AuthorizeData, OAuthClient
from sluicegate.chain.outcome import Reply
from sluicegate.middleware.answers.oauth_answers import TEXT, OAuthError, envelope, output
from sluicegate.middleware.answers.oauth_form import Form, read_form
from sluicegate.middleware.answers.oauth_issue import Issuer, rfc3339_now
from sluicegate.middleware.answers.oauth_redirects import first_of, is_allowed, with_fragment, with_query

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

CODE_LIVES_S = 250


class Asked(NamedTuple):
    """What a client asks a user for. kind: `code` or `token`."""

    kind: str
    client: OAuthClient
    redirect_uri: str
    scope: str
    state: str


class Authorizer:
    """Answers the two endpoints of one API."""

    def __init__(self, api: Api, services: Services, issuer: Issuer) -> None:
        settings, meta = services.settings, api.classic.oauth_meta
        self._api_id, self._issuer = api.api_id, issuer
        self._records = services.oauth.records
        self._kinds = frozenset(meta.allowed_authorize_types) & {"code", "token"}
        self._login = meta.auth_login_redirect
        self._separator = settings.oauth_redirect_uri_separator
        self._error_status = settings.oauth_error_status_code

    async def send_to_login(self, exchange: Exchange) -> Reply:
        """Send a browser on, when the client may ask."""
        try:
            await self._check(await read_form(exchange))
        except OAuthError as error:
            return envelope(self._error_status, error.text)
        location = self._login.encode("utf-8", "surrogateescape")
        if exchange.request.method == b"GET":
            location += b"?" + exchange.request.query
        return Reply(307, [(b"Location", location)], tracked=False)

    async def agree(self, exchange: Exchange) -> Reply:
        """Give the client what it asks for."""
        try:
            form = await read_form(exchange)
            asked = await self._check(form)
            given = await (self._give_code if asked.kind == "code" else self._give_token)(asked, form.get("key_rules"))
        except OAuthError as error:
            said = error.output
            if error.redirect:
                said = {**said, "redirect_to": with_query(error.redirect, said)}
            return Reply(self._error_status, [TEXT], output(said), tracked=False)
        return Reply(200, [TEXT], output(given), tracked=False)

    async def _check(self, form: Form) -> Asked:
        """Return what is asked for. Raises OAuthError when the client may not."""
        kind, state = form.get("response_type"), form.get("state")
        if kind not in self._kinds:
            raise OAuthError("unsupported_response_type")
        client = await self._records.client(self._api_id, form.name("client_id"))
        if client is None:
            raise OAuthError("server_error", state)
        if not client.redirecturi:
            raise OAuthError("unauthorized_client", state)
        first = first_of(client.redirecturi, self._separator)
        wanted = unquote_plus(form.get("redirect_uri")) or (first if first == client.redirecturi else "")
        if not is_allowed(client.redirecturi, wanted, self._separator):
            known = first if is_allowed(client.redirecturi, first, self._separator) else ""
            raise OAuthError("invalid_request", state, known)
        return Asked(kind, client, wanted, form.get("scope"), state)

    async def _give_code(self, asked: Asked, rules: str) -> dict[str, Any]:
        data = AuthorizeData(
            client=asked.client,
            code=secrets.token_urlsafe(16),
            expires_in=CODE_LIVES_S,
            scope=asked.scope,
            redirect_uri=asked.redirect_uri,
            state=asked.state,
            created_at=rfc3339_now(),
            user_data=rules,
        )
        await self._records.write_code(self._api_id, data)
        said = {"code": data.code, **_if_any(state=asked.state)}
        return {**said, "redirect_to": with_query(asked.redirect_uri, said)}

    async def _give_token(self, asked: Asked, rules: str) -> dict[str, Any]:
        granted = AccessData(client=asked.client, scope=asked.scope, redirect_uri=asked.redirect_uri, user_data=rules)
        session = self._issuer.session_for(asked.client, rules)
        said = {**await self._issuer.issue(granted, session, may_refresh=False), **_if_any(state=asked.state)}
        return {**said, "redirect_to": with_fragment(asked.redirect_uri, said)}


def _if_any(**fields: str) -> dict[str, str]:
    return {name: text for name, text in fields.items() if text}
