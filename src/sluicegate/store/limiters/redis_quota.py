"""Quotas in Redis, in Tyk's names and values (contract 07.10): the half that all limiters over Redis share."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from sluicegate.clock import now
from sluicegate.store.limiter import NO_QUOTA, Limiter, QuotaVerdict
from sluicegate.store.redis import RedisBackend, Script
from sluicegate.store.tokens import to_bytes

QUOTA = Script("quota")


class RedisLimiter(Limiter):
    """Quotas in Redis; a subclass says how rates are counted."""

    def __init__(self, backend: RedisBackend) -> None:
        self._backend = backend

    def quota(self, name: str, quota_max: int, renewal_s: int) -> QuotaVerdict | Awaitable[QuotaVerdict]:
        return NO_QUOTA if quota_max <= 0 else self._quota(name, quota_max, renewal_s)

    async def _quota(self, name: str, quota_max: int, renewal_s: int) -> QuotaVerdict:
        used, left_ms = await self._backend.run(QUOTA, [name], max(0, renewal_s))
        renews_at_s = now() + left_ms / 1000 if left_ms >= 0 else 0.0
        return QuotaVerdict(used <= quota_max, max(0, quota_max - used), renews_at_s)

    async def quota_used(self, name: str) -> tuple[int, float] | None:
        count = self._backend.call(b"GET", to_bytes(name))
        left = self._backend.call(b"PTTL", to_bytes(name))  # both leave in one write
        used, left_ms = await count, await left
        return None if used is None else (int(used), now() + left_ms / 1000 if left_ms >= 0 else 0.0)

    async def reset(self, names: Sequence[str]) -> None:
        await self._backend.delete(*names)
