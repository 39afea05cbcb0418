"""`oauth/token/`: what a client shows, and the token it gets for it (RFC 6749 sections 4 and 6, contract 08.5).

    authorization_code    the code that the user's consent gave it; it counts once
    refresh_token         the one that came with the last token; it counts once, and ends that token
    password              name and password of a user of basic authentication
    client_credentials    nothing but its own secret

Each is checked whole before a code or a refresh token is used up, and that is one step in the store: of all who use it
at once, on whatever worker or node, one gets a token.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from sluicegate.apidef import gojson
from sluicegate.apidef.oauth import AccessData, OAuthClient
from sluicegate.apidef.session import BasicAuthData
from sluicegate.chain.outcome import Reply
from sluicegate.chain.passwords import NOBODY
from sluicegate.clock import now
from sluicegate.middleware.answers.oauth_answers import JSON, OAuthError, output
from sluicegate.middleware.answers.oauth_form import Form, basic_credentials, read_form
from sluicegate.middleware.answers.oauth_issue import Issuer
from sluicegate.middleware.answers.oauth_redirects import first_of, is_allowed
from sluicegate.store.tokens import make_token, to_bytes

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services
    from sluicegate.store.key_records import FoundKey

Said = dict[str, Any]
Handler = Callable[[Form, tuple[str, str]], Awaitable[Said]]


class Grants:
    """Answers the token endpoint of one API."""

    def __init__(self, api: Api, services: Services, issuer: Issuer) -> None:
        classic, settings = api.classic, services.settings
        self._api_id, self._org_id, self._issuer = api.api_id, classic.org_id, issuer
        self._tokens, self._records = services.oauth, services.oauth.records
        self._passwords, self._hook, self._log = services.passwords, services.key_change_hook, services.log
        self._hook_url = classic.notifications.oauth_on_keychange_url
        self._hook_secret = classic.notifications.shared_secret
        self._separator = settings.oauth_redirect_uri_separator
        self._error_status = settings.oauth_error_status_code
        self._algorithms = tuple(dict.fromkeys(("", settings.hash_key_function)))
        served: dict[str, Handler] = {
            "authorization_code": self._of_code,
            "refresh_token": self._of_refresh,
            "password": self._of_password,
            "client_credentials": self._of_client,
        }
        allowed = classic.oauth_meta.allowed_access_types
        self._handlers = {name: handler for name, handler in served.items() if name in allowed}

    async def answer(self, exchange: Exchange) -> Reply:
        """Return a token, or why there is none."""
        try:
            if exchange.request.method != b"POST":
                raise OAuthError("invalid_request")
            form = await read_form(exchange, or_json=True)
            handler = self._handlers.get(form.get("grant_type"))
            if handler is None:
                raise OAuthError("unsupported_grant_type")
            shown = basic_credentials(exchange)
            if shown is None:
                raise OAuthError("invalid_request")
            said = await handler(form, shown)
        except OAuthError as error:
            status = 503 if error.code == "temporarily_unavailable" else self._error_status
            return Reply(status, [JSON], output(error.output), tracked=False)
        self._notify(form, said)
        return Reply(200, [JSON], output(said), tracked=False)

    def _notify(self, form: Form, said: Said) -> None:
        if self._hook_url:
            old = form.get("refresh_token")
            body = {
                "auth_code": form.get("code"),
                "new_oauth_token": said["access_token"],
                "refresh_token": said.get("refresh_token", ""),
                "old_refresh_token": old,
                "notification_type": "refresh" if old else "new",
            }
            self._hook.send(self._hook_url, self._hook_secret, msgspec.json.encode(body), self._log)

    async def _client(self, shown: tuple[str, str]) -> OAuthClient:
        """Return the client that shows its secret. Raises OAuthError."""
        client = await self._records.client(self._api_id, shown[0])
        if client is None:
            raise OAuthError("server_error")
        fits = hmac.compare_digest(to_bytes(client.secret), to_bytes(shown[1]))
        if not fits or not client.secret or not client.redirecturi:
            raise OAuthError("unauthorized_client")
        return client

    # -- grants

    async def _of_code(self, form: Form, shown: tuple[str, str]) -> Said:
        code = form.name("code")
        if not code:
            raise OAuthError("invalid_grant")
        client = await self._client(shown)
        data = await self._records.code(self._api_id, code)
        if data is None or data.client.id != client.id:
            raise OAuthError("invalid_grant")
        redirect = form.get("redirect_uri") or first_of(client.redirecturi, self._separator)
        if redirect != data.redirect_uri or not is_allowed(client.redirecturi, redirect, self._separator):
            raise OAuthError("invalid_request")
        session = self._issuer.session_for(client, data.user_data)
        if not await self._records.take_code(self._api_id, code):
            raise OAuthError("invalid_grant")
        granted = AccessData(
            client=client,
            authorize_data=data,
            scope=data.scope,
            redirect_uri=redirect,
            user_data=data.user_data,
        )
        return await self._issuer.issue(granted, session)

    async def _of_refresh(self, form: Form, shown: tuple[str, str]) -> Said:
        token = form.name("refresh_token")
        if not token:
            raise OAuthError("invalid_grant")
        client = await self._client(shown)
        data = await self._records.refresh(self._api_id, token)
        if data is None:
            raise OAuthError("invalid_grant")
        if data.client.id != client.id:
            raise OAuthError("invalid_client")
        scope = form.get("scope") or data.scope
        if not set(scope.split()) <= set(data.scope.split()):  # it may be less, never more: section 6
            raise OAuthError("access_denied")
        session = self._issuer.session_for(client, data.user_data)
        if not await self._records.take_refresh(self._api_id, token):
            raise OAuthError("invalid_grant")
        granted = AccessData(
            client=client,
            access_data=data.as_earlier(),
            scope=scope,
            redirect_uri=data.redirect_uri,
            user_data=data.user_data,
        )
        said = await self._issuer.issue(granted, session)
        await self._tokens.revoke_access(self._api_id, data.access_token)
        return said

    async def _of_client(self, form: Form, shown: tuple[str, str]) -> Said:
        client = await self._client(shown)
        granted = AccessData(
            client=client, scope=form.get("scope"), redirect_uri=first_of(client.redirecturi, self._separator)
        )
        return await self._issuer.issue(granted, self._issuer.session_for(client, None), may_refresh=False)

    async def _of_password(self, form: Form, shown: tuple[str, str]) -> Said:
        name, password = form.name("username"), form.get("password")
        if not name or not password:
            raise OAuthError("invalid_grant")
        client = await self._client(shown)
        user = await self._user(name, password)
        if 0 < user.session.expires <= now():  # the token would outlive its user
            raise OAuthError("access_denied")
        session = replace(user.session, basic_auth_data=BasicAuthData())
        granted = AccessData(
            client=client,
            scope=form.get("scope"),
            redirect_uri=first_of(client.redirecturi, self._separator),
            user_data=gojson.encode(session).decode(),
        )
        said = await self._issuer.issue(granted, session)
        noted = {client.id: said["access_token"]}
        noting = await self._tokens.keys.change(
            user.name, lambda session: replace(session, oauth_keys={**session.oauth_keys, **noted})
        )
        if noting is not None:
            await self._tokens.tell([user.name])
            if old := noting[0].oauth_keys.get(client.id, ""):
                await self._tokens.revoke_access(self._api_id, old)
        return said

    # -- users

    async def _user(self, name: str, password: str) -> FoundKey:
        """Return the user, when the password fits. Raises OAuthError, after as long for a name that nobody has."""
        for algorithm in self._algorithms:  # Tyk files users under both forms of a token
            token = make_token(self._org_id, name, algorithm)
            user = await self._tokens.keys.read_exactly(token)
            if user is not None and user.session.basic_auth_data.password:
                if await self._fits(user.session.basic_auth_data, password):
                    return user
                raise OAuthError("access_denied")
        await self._fits(NOBODY, password)
        raise OAuthError("access_denied")

    async def _fits(self, stored: BasicAuthData, password: str) -> bool:
        fits = self._passwords.known(stored, password, 0)
        if fits is not None:
            return fits
        if self._passwords.is_crowded:
            raise OAuthError("temporarily_unavailable")
        return await self._passwords.work_out(stored, password, 0)
