"""Is the OAuth client of a token still there? The road's look-up, asked for each request that shows a token (08.5).

What was found is gone by for a second. While the store is away, what it said last counts, as long as with sessions; of
whom it never said anything, that is a StoreError, and no verdict.
"""

from __future__ import annotations

from collections.abc import Awaitable
from itertools import islice
from typing import NamedTuple

from sluicegate.clock import ticks
from sluicegate.errors import StoreError
from sluicegate.store import names
from sluicegate.store.backend import Backend, LocalBackend
from sluicegate.store.reach import Reach

KEPT_S = 1.0
MOST_KEPT = 10_000


class Known(NamedTuple):
    """What the store said of a client, when that was, and when it was asked last, which may have been in vain."""

    is_there: bool
    read_ticks: float
    asked_ticks: float


class KnownClients:
    """The clients whose tokens are in use. A store in this process answers on the spot."""

    def __init__(self, backend: Backend, reach: Reach, stale_s: float) -> None:
        """stale_s: for how long the last answer counts while there is no other."""
        self._backend, self._reach, self._stale_s = backend, reach, stale_s
        self._local = backend if isinstance(backend, LocalBackend) else None
        self._known: dict[tuple[str, str], Known] = {}

    def exists(self, api_id: str, client_id: str) -> bool | Awaitable[bool]:
        """Return whether an API has that client. Raises StoreError."""
        known = self._known.get((api_id, client_id))
        if known is not None and ticks() - known.asked_ticks < KEPT_S:
            return known.is_there
        if self._local is None:
            return self._ask(api_id, client_id, known)
        return self._keep(api_id, client_id, self._local.mget_now([names.oauth_client(api_id, client_id)])[0])

    async def _ask(self, api_id: str, client_id: str, known: Known | None) -> bool:
        try:
            self._reach.check()
            data = await self._reach.ask(self._backend.get(names.oauth_client(api_id, client_id)))
        except StoreError:
            if known is None or ticks() - known.read_ticks > self._stale_s:
                raise
            self._known[api_id, client_id] = known._replace(asked_ticks=ticks())
            return known.is_there
        return self._keep(api_id, client_id, data)

    def _keep(self, api_id: str, client_id: str, data: bytes | None) -> bool:
        if len(self._known) >= MOST_KEPT:
            self._known = dict(islice(self._known.items(), MOST_KEPT // 2, None))
        moment = ticks()
        self._known[api_id, client_id] = Known(data is not None, moment, moment)
        return data is not None
