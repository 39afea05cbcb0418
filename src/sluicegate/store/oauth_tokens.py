"""The life of OAuth 2 tokens: a token is a session, and records that say whose it is (contract 08.5).

issue       the session, the data of the access token, the data of the refresh token
revoke      all of that, at once on every worker and node
end_all     the same for all tokens of a client
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable

from sluicegate.apidef.oauth import AccessData
from sluicegate.apidef.session import Session
from sluicegate.store.backend import Backend
from sluicegate.store.key_records import KeyRecords
from sluicegate.store.known_clients import KnownClients
from sluicegate.store.oauth import OAuthRecords
from sluicegate.store.reach import Reach
from sluicegate.store.tokens import to_bytes

ACCESS_TOKEN, REFRESH_TOKEN = "access_token", "refresh_token"
LAPSED_KEPT_S = 86_400
"""How long tokens stay in the list of their client after they have expired, where the settings say nothing."""


async def _tell_nobody(_names: Iterable[str]) -> None:
    return


class OAuthTokens:
    """The tokens of all APIs."""

    def __init__(self, records: OAuthRecords, keys: KeyRecords, clients: KnownClients) -> None:
        """clients: for the road, which must not wait for each request."""
        self.records, self.keys, self.clients = records, keys, clients
        self.tell: Callable[[Iterable[str]], Awaitable[None]] = _tell_nobody
        """Has all workers and nodes forget sessions, by their names in the store."""

    async def issue(
        self, api_id: str, access: AccessData, session: Session, *, session_ttl_s: float, refresh_ttl_s: float
    ) -> None:
        """Make a token work. The session comes last but for the refresh token: no token works that cannot be revoked.

        session_ttl_s, refresh_ttl_s: how long the store keeps the session and, where there is one, the refresh token.
        """
        name = self.keys.name_of(access.access_token)
        await self.records.write_access(api_id, name, access, session.expires)
        await self.keys.write_new(name, session, session_ttl_s)
        if access.refresh_token:
            await self.records.write_refresh(api_id, access, refresh_ttl_s)

    async def revoke(self, api_id: str, token: str, hint: str = "") -> None:
        """End a token (RFC 7009); one that is not of this API is let be.

        hint: what kind it is; with none, or an unknown one, it may be either.
        """
        if hint != REFRESH_TOKEN:
            await self.revoke_access(api_id, token)
        if hint != ACCESS_TOKEN:
            await self.records.delete_refresh(api_id, token)

    async def revoke_access(self, api_id: str, token: str) -> None:
        """End an access token; its refresh token goes on.

        It is compared whole, since others may have the same hash.
        """
        access = await self.records.access(api_id, self.keys.name_of(token), token)
        if access is not None and hmac.compare_digest(to_bytes(access.access_token), to_bytes(token)):
            await self.tell([await self._end(api_id, access)])

    async def end_all(self, api_id: str, client_id: str, *, with_refresh: bool) -> None:
        """End all access tokens of a client that are alive, with the refresh tokens that came with them or without."""
        ended = []
        for name, _ in await self.records.tokens(api_id, client_id):
            access = await self.records.access(api_id, name)
            if access is None:
                continue
            ended.append(await self._end(api_id, access))
            if with_refresh and access.refresh_token:
                await self.records.delete_refresh(api_id, access.refresh_token)
        if ended:
            await self.tell(ended)

    async def _end(self, api_id: str, access: AccessData) -> str:
        """Remove a token, and return the name of its session, for those who may have a copy."""
        name = self.keys.name_of(access.access_token)
        await self.keys.delete(name)
        await self.records.delete_access(api_id, access.client.id, *dict.fromkeys((name, access.access_token)))
        return name


def make_oauth(backend: Backend, keys: KeyRecords, reach: Reach, stale_s: float = 0) -> OAuthTokens:
    """Return the tokens of a store. reach, stale_s: as for `KnownClients`."""
    return OAuthTokens(OAuthRecords(backend), keys, KnownClients(backend, reach, stale_s))
