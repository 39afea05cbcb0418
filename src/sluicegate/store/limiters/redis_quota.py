"""Quotas in Redis, in Tyk's names and values (contract 07.10): the half that all limiters over Redis share.

A quota is a plain counter that ends with its window, as Tyk's is, so that nodes of both kinds count together. Ours
count a lease of a busy quota before it is used, and refused requests not at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import cast

from sluicegate.clock import now
from sluicegate.errors import StoreError
from sluicegate.store.limiter import NO_QUOTA, Limiter, QuotaVerdict
from sluicegate.store.limiters.leases import Leases
from sluicegate.store.limiters.refusals import Refusals
from sluicegate.store.limiters.when_away import CLOSED, LOCAL, LocalShare, WhenAway
from sluicegate.store.reach import Reach
from sluicegate.store.redis import RedisBackend
from sluicegate.store.tokens import to_bytes


@dataclass(frozen=True, slots=True)
class RedisParts:
    """What every limiter over Redis works with."""

    backend: RedisBackend
    reach: Reach
    leases: Leases
    local: LocalShare
    refusals: Refusals


class RedisLimiter(Limiter):
    """Quotas in Redis; a subclass says how rates are counted."""

    def __init__(self, parts: RedisParts) -> None:
        self._parts = parts
        self._backend, self._reach, self._leases = parts.backend, parts.reach, parts.leases

    def quota(self, name: str, quota_max: int, renewal_s: int) -> QuotaVerdict | Awaitable[QuotaVerdict]:
        if quota_max <= 0:
            return NO_QUOTA
        verdict = self._leases.take(name, QuotaVerdict, quota_max, max(0, renewal_s) * 1000, restarts=False)
        return cast(QuotaVerdict | Awaitable[QuotaVerdict], verdict)

    async def quota_used(self, name: str) -> tuple[int, float] | None:
        await self._leases.give_back([name])
        count = self._backend.call(b"GET", to_bytes(name))
        left = self._backend.call(b"PTTL", to_bytes(name))  # both leave in one write
        used, left_ms = await count, await left
        if used is None:
            return None
        try:
            return int(used), now() + left_ms / 1000 if left_ms >= 0 else 0.0
        except ValueError:
            raise StoreError("the counter of a quota holds no number") from None

    async def reset(self, names: Sequence[str]) -> None:
        self._leases.forget(names)
        await self._backend.delete(*names)
        self._parts.local.forget(names)

    def when_away(self, choice: str) -> Limiter:
        if choice == CLOSED:
            return self
        return WhenAway(self, self._parts.local if choice == LOCAL else None, self._parts.refusals)

    def start(self) -> None:
        self._leases.start()

    async def close(self) -> None:
        await self._leases.close()
