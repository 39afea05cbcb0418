"""Limiters that have to be waited for, or that fail, as one over the network does; they count like the node's own."""

from __future__ import annotations

from collections.abc import Sequence

from sluicegate.errors import StoreError
from sluicegate.store.limiter import Limiter, QuotaVerdict, RateVerdict
from sluicegate.store.limiters.node import NodeLimiter
from sluicegate.store.shared_counters import SharedCounters


def node_limiter() -> NodeLimiter:
    """Return a limiter that counts in this process alone."""
    return NodeLimiter(SharedCounters(None))


class WaitingLimiter(Limiter):
    """Answers through awaitables."""

    def __init__(self) -> None:
        self._inner = node_limiter()

    async def rate(self, name: str, rate: float, per_s: float, version: str = "", dry_run: bool = False) -> RateVerdict:
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
