"""Makes a token of what was granted: which session it gets, for how long, and where it is put down (contract 08.5)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from sluicegate.apidef import gojson
from sluicegate.apidef.oauth import AccessData, OAuthClient
from sluicegate.apidef.policy_session import session_of_policy
from sluicegate.apidef.session import Session
from sluicegate.clock import now
from sluicegate.errors import ConfigError, StoreError
from sluicegate.middleware.answers.oauth_answers import OAuthError
from sluicegate.store.oauth_tokens import LAPSED_KEPT_S
from sluicegate.store.tokens import make_secret, make_token

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.chain.services import Services

TOKEN_TYPE = "bearer"  # noqa: S105 - a word of RFC 6750
EXPIRED_KEPT_S = 86_400
"""How long the store keeps the session of a token that has expired: so long it is "expired", and then unknown."""


class Issuer:
    """Issues the tokens of one API."""

    def __init__(self, api: Api, services: Services) -> None:
        settings = services.settings
        self._api_id = api.api_id
        self._tokens, self._policies = services.oauth, services.policies
        self._algorithm = settings.hash_key_function
        self._lives_s = settings.oauth_token_expire
        self._refresh_lives_s = settings.oauth_refresh_token_expire
        retain_s = settings.oauth_token_expired_retain_period
        self._lapsed_kept_s = retain_s if retain_s > 0 else LAPSED_KEPT_S
        self._refreshes = "refresh_token" in api.classic.oauth_meta.allowed_access_types

    def session_for(self, client: OAuthClient, user_data: Any) -> Session:
        """Return the session that a token is to have: what the owner wrote, else what the client's policy says.

        user_data: JSON text of a session, or whatever else the owner sent. Raises OAuthError when there is neither.
        """
        if isinstance(user_data, str):
            try:
                return gojson.decode(user_data, Session)
            except ConfigError:
                pass
        policy = self._policies.get(client.policyid)
        if policy is None:
            raise OAuthError("server_error")
        return session_of_policy(policy, client.policyid)

    async def issue(self, granted: AccessData, session: Session, *, may_refresh: bool = True) -> dict[str, Any]:
        """Issue a token for what was granted, with that session; return the fields of the answer.

        may_refresh: False: the kind of grant gives no refresh token, whatever the API allows.
        """
        has_refresh = may_refresh and self._refreshes
        access = replace(
            granted,
            access_token=make_token(session.org_id, "", self._algorithm),
            refresh_token=make_secret() if has_refresh else "",
            expires_in=self._lives_s,
            created_at=rfc3339_now(),
        )
        client = access.client
        session = replace(
            session,
            oauth_client_id=client.id,
            expires=int(now()) + self._lives_s,
            meta_data=_with_meta_of(client, session),
        )
        await self._tokens.issue(
            self._api_id,
            access,
            session,
            session_ttl_s=self._lives_s + EXPIRED_KEPT_S,
            refresh_ttl_s=self._refresh_lives_s,
        )
        with contextlib.suppress(StoreError):  # the token is there already; the next one sees to the list
            await self._tokens.records.drop_lapsed(self._api_id, client.id, self._lapsed_kept_s)
        said = {"access_token": access.access_token, "token_type": TOKEN_TYPE, "expires_in": access.expires_in}
        more = {"refresh_token": access.refresh_token, "scope": access.scope}
        return {**said, **{name: text for name, text in more.items() if text}}


def rfc3339_now() -> str:
    """Return the moment as Go writes it: RFC 3339, as many digits of the second as there are."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
    return f"{moment}{fraction}Z"


def _with_meta_of(client: OAuthClient, session: Session) -> Mapping[str, Any]:
    """Return the session's own data, and of the client's what the session has not."""
    if not isinstance(client.meta_data, Mapping):
        return session.meta_data
    return {**client.meta_data, **session.meta_data}
