"""One writer at a time.

Theory. The lock is a value in the store that ends by itself: whoever dies with it holds up the others for one lease at
most. Each time it is taken the store gives out a token, one higher than the last.

    free ──take──► held ──free──► free
                     └──lease ends──► free        a renewal every third of the lease keeps it from ending

A lock alone protects nothing: its holder may be paused past its lease and not know. So it is the token that counts: a
commit is taken only when no later token was given out (`documents`). The lock saves writers from colliding; the token
makes sure. So no harm is done when the store's clock leaps: forward ends the lock early, and put back it would last for
longer than a lease, which counts as free.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator

from sluicegate.clock import ticks
from sluicegate.cluster.documents import FENCE
from sluicegate.cluster.errors import LockBusy
from sluicegate.cluster.shelf import Shelf
from sluicegate.errors import StoreError
from sluicegate.store import names

LEASE_S = 10.0
WAIT_S = 30.0
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.002, 0.05


class Lock:
    """The lock of the shared configuration. lease_s: how long a holder that died holds up others; wait_s: patience."""

    def __init__(self, shelf: Shelf, lease_s: float = LEASE_S, wait_s: float = WAIT_S) -> None:
        self._shelf, self._lease_s, self._wait_s = shelf, lease_s, wait_s

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[int]:
        """Hold the lock, and give its token. Raises LockBusy, StoreError."""
        holder = uuid.uuid4().hex
        token = await self._take(holder)
        renewing = asyncio.get_running_loop().create_task(self._renew(holder))
        try:
            yield token
        finally:
            renewing.cancel()
            with contextlib.suppress(StoreError):  # then it ends by itself
                await self._shelf.keep_lock(names.CLUSTER_LOCK, holder, 0)

    async def _take(self, holder: str) -> int:
        deadline = ticks() + self._wait_s
        pause_s = SHORTEST_PAUSE_S
        while not (token := await self._shelf.take_lock(names.CLUSTER_LOCK, holder, self._lease_s, FENCE)):
            if ticks() > deadline:
                raise LockBusy
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - nothing secret about a pause
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        return token

    async def _renew(self, holder: str) -> None:
        while True:
            await asyncio.sleep(self._lease_s / 3)
            with contextlib.suppress(StoreError):  # if the lease ends meanwhile, the token says so
                if not await self._shelf.keep_lock(names.CLUSTER_LOCK, holder, self._lease_s):
                    return
