"""Our own limiter over Redis: exact over all nodes, one round trip, one small counter for each limit.

It stands where Tyk divides the limit by the number of nodes it hears of. The window begins with its first request, as
in the bucket of a single node; Redis keeps the time, so the clocks of the nodes do not matter; refused requests are not
counted.
"""

from __future__ import annotations

from collections.abc import Awaitable

from sluicegate.clock import now
from sluicegate.store import names
from sluicegate.store.limiter import UNLIMITED, RateVerdict, unlimited
from sluicegate.store.limiters.redis_quota import RedisLimiter
from sluicegate.store.redis import Script

EXACT_LIMIT = Script("exact_limit")


class ExactLimiter(RedisLimiter):
    """Rates and quotas in Redis, exact over all nodes."""

    def rate(
        self, name: str, rate: float, per_s: float, version: str = "", dry_run: bool = False
    ) -> RateVerdict | Awaitable[RateVerdict]:
        if unlimited(rate, per_s):
            return UNLIMITED
        return self._rate(f"{name}:{version}" if version else name, int(rate) or 1, per_s, dry_run)

    async def _rate(self, name: str, allowed: int, per_s: float, dry_run: bool) -> RateVerdict:
        window_ms = int(per_s * 1000)
        before, left_ms = await self._backend.run(
            EXACT_LIMIT, [names.exact_limit(name)], allowed, window_ms, b"1" if dry_run else b"0"
        )
        return RateVerdict(before < allowed, max(0, allowed - before - 1), now() + left_ms / 1000)
