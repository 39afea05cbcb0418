"""Is the OAuth client of a token still there? The road's look-up, asked for each request that shows a token (08.5).

What was found is gone by for a second, or until a node tells that a client was made or removed. While the store is
away, what it said last counts, as long as with sessions; of whom it never said anything, that is a StoreError, and no
verdict.
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
NEVER = float("-inf")
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
        self._known: dict[str, Known] = {}
        self._told = 0
        """Grows with each client that was told of: what was asked before that may be answered wrongly after it."""

    def exists(self, api_id: str, client_id: str) -> bool | Awaitable[bool]:
        """Return whether an API has that client. Raises StoreError."""
        name = names.oauth_client(api_id, client_id)
        known = self._known.get(name)
        if known is not None and ticks() - known.asked_ticks < KEPT_S:
            return known.is_there
        if self._local is None:
            return self._ask(name, known)
        return self._keep(name, self._local.mget_now([name])[0], ticks())

    def told(self, name: str) -> None:
        """A client was made or removed: ask for it anew. name: of its record in the store."""
        self._told += 1
        known = self._known.get(name)
        if known is not None:  # it still counts while the store is away
            self._known[name] = known._replace(asked_ticks=NEVER)

    async def _ask(self, name: str, known: Known | None) -> bool:
        told = self._told
        try:
            self._reach.check()
            data = await self._reach.ask(self._backend.get(name))
        except StoreError:
            if known is None or ticks() - known.read_ticks > self._stale_s:
                raise
            self._known[name] = known._replace(asked_ticks=ticks())
            return known.is_there
        return self._keep(name, data, ticks() if told == self._told else NEVER)

    def _keep(self, name: str, data: bytes | None, asked_ticks: float) -> bool:
        if len(self._known) >= MOST_KEPT:
            self._known = dict(islice(self._known.items(), MOST_KEPT // 2, None))
        self._known[name] = Known(data is not None, ticks(), asked_ticks)
        return data is not None
