"""Records in the Redis lists that Tyk Pump empties (contract 05.4).

While the store is away, records wait in memory; there is room for `records_buffer_size` of them, and at least
`LEAST_ROOM`. Beyond, the oldest are lost and counted. A batch that the store took without our hearing of it is sent
again: a record may then be there twice, never not at all.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from sluicegate import log
from sluicegate.clock import ticks
from sluicegate.errors import StoreError
from sluicegate.store import names
from sluicegate.store.backend import NO_EXPIRY

if TYPE_CHECKING:
    from sluicegate.settings.telemetry import AnalyticsConfig
    from sluicegate.store.backend import Backend

BATCH: Final = 500
LEAST_ROOM: Final = 10_000
RETRY_S: Final = 1.0
EXPIRE_EVERY_S: Final = 1.0
LISTS: Final = 10


class RedisList:
    """Appends records to the analytics list, or with `enable_multiple_analytics_keys` to one of ten."""

    takes_short = False

    def __init__(self, config: AnalyticsConfig, backend: Backend, count: Callable[[str, float], None]) -> None:
        self._backend, self._count = backend, count
        self._ttl_s = config.storage_expiration_time
        self._names = [names.ANALYTICS]
        if config.enable_multiple_analytics_keys:
            self._names = [f"{names.ANALYTICS}_{number}" for number in range(LISTS)]
        self._waiting: deque[bytes] = deque()
        self._room = max(config.records_buffer_size, LEAST_ROOM)
        self._wake = asyncio.Event()
        self._expire_at: dict[str, float] = {}
        self._has_told = False

    def take(self, records: Sequence[bytes]) -> None:
        """Take a batch; never waits, raises nothing."""
        self._waiting += records
        lost = len(self._waiting) - self._room
        if lost > 0:
            for _ in range(lost):
                self._waiting.popleft()
            self._count("records_dropped", lost)
        self._wake.set()

    async def run(self) -> None:
        """Write what was taken, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._write_or_rest()

    async def close(self) -> None:
        """Write what is left, as far as that goes within two seconds."""
        try:
            async with asyncio.timeout(2):
                while self._waiting:
                    await self._write()
        except (StoreError, TimeoutError):
            self._count("records_dropped", len(self._waiting))

    async def _write_or_rest(self) -> None:
        try:
            await self._write()
        except StoreError as error:
            moment = ticks()
            await asyncio.sleep(RETRY_S)
            # Of a store that is away the log tells by itself, and soon.
            if not self._has_told and not self._backend.was_away_since(moment):
                self._has_told = True
                log.get(prefix="analytics").error("Records cannot be written, they wait", error=str(error))
        else:
            if self._has_told:
                log.get(prefix="analytics").info("Records are being written again")
            self._has_told = False

    async def _write(self) -> None:
        """Append a batch. Raises StoreError; the batch then still waits."""
        name = self._names[0] if len(self._names) == 1 else random.choice(self._names)  # noqa: S311 - spreads load
        batch = list(islice(self._waiting, BATCH))
        await self._backend.list_append(name, *batch)
        for record in batch:
            if self._waiting and self._waiting[0] is record:  # else it was lost meanwhile, from this end
                self._waiting.popleft()
        self._count("records_written", len(batch))
        await self._limit_life(name)

    async def _limit_life(self, name: str) -> None:
        """See to it that the list does not grow for ever when nobody empties it."""
        now = ticks()
        if self._ttl_s < 0 or now < self._expire_at.get(name, 0.0):
            return
        self._expire_at[name] = now + EXPIRE_EVERY_S
        if await self._backend.ttl_s(name) == NO_EXPIRY:
            await self._backend.expire(name, self._ttl_s)
