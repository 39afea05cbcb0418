"""Limiters that have to be waited for, or that fail, as one over the network does; they count like the node's own."""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sluicegate.errors import StoreError
from sluicegate.settings.model import Settings
from sluicegate.store.backend import Backend
from sluicegate.store.limiter import Limiter, QuotaVerdict, RateVerdict
from sluicegate.store.limiters import Surroundings, make_limiter
from sluicegate.store.limiters.lease_sheet import BYTES
from sluicegate.store.limiters.node import NodeLimiter
from sluicegate.store.limiters.refusals import Refusals
from sluicegate.store.limiters.tally import Tally
from sluicegate.store.reach import Reach
from sluicegate.store.redis import RedisBackend
from sluicegate.store.servers import Servers
from sluicegate.store.shared_counters import SharedCounters


def node_limiter() -> NodeLimiter:
    """Return a limiter that counts in this process alone."""
    return NodeLimiter(SharedCounters(None))


def surroundings(
    backend: Backend,
    *,
    servers: Servers | None = None,
    sheet: mmap.mmap | None = None,
    tally: Tally | None = None,
    refusals: Refusals | None = None,
    timeout_s: float = 20.0,
) -> Surroundings:
    """Return what a limiter over Redis needs to know of its worker."""
    memory = sheet if sheet is not None else mmap.mmap(-1, BYTES)
    return Surroundings(
        Reach(backend, timeout_s), servers or Servers("node"), memory, tally or Tally(), refusals or Refusals()
    )


def redis_limiter(
    backend: RedisBackend, settings: Mapping[str, Any], counters: SharedCounters | None = None, **around: Any
) -> Limiter:
    """Return the limiter over Redis that settings ask for."""
    made = msgspec.convert(settings, Settings)
    return make_limiter(made, backend, counters or SharedCounters(None), surroundings(backend, **around))


class WaitingLimiter(Limiter):
    """Answers through awaitables."""

    def __init__(self) -> None:
        self._inner = node_limiter()

    async def rate(
        self, name: str, rate: float, per_s: float, version: str = "", dry_run: bool = False, smoothing: Any = None
    ) -> RateVerdict:
        return self._inner.rate(name, rate, per_s, version, dry_run)

    async def quota(self, name: str, quota_max: int, renewal_s: int) -> QuotaVerdict:
        return self._inner.quota(name, quota_max, renewal_s)

    async def quota_used(self, name: str) -> tuple[int, float] | None:
        return await self._inner.quota_used(name)

    async def reset(self, names: Sequence[str]) -> None:
        await self._inner.reset(names)


class AwayLimiter(Limiter):
    """Cannot be reached: at once, or after a wait."""

    def __init__(self, waits: bool) -> None:
        self._waits = waits

    def rate(self, *args: object, **options: object) -> RateVerdict:
        return self._fail()

    def quota(self, *args: object) -> QuotaVerdict:
        return self._fail()

    def _fail(self):  # type: ignore[no-untyped-def]
        if self._waits:
            return self._raise()
        raise StoreError("away")

    async def _raise(self) -> None:
        raise StoreError("away")

    async def quota_used(self, name: str) -> tuple[int, float] | None:
        raise StoreError("away")

    async def reset(self, names: Sequence[str]) -> None:
        raise StoreError("away")
