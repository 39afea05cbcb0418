"""Our own limiter over Redis: exact over all nodes, one small counter for each limit, leases for busy ones.

It stands where Tyk divides the limit by the number of nodes it hears of. The window begins with its first request, as
in the bucket of a single node; Redis keeps the time, so the clocks of the nodes do not matter; refused requests are not
counted. How it comes that a busy key costs hardly any word with Redis is told in `allowance` and `leases`.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

from sluicegate.apidef.session import RateLimitSmoothing
from sluicegate.clock import ticks
from sluicegate.store.limiter import UNLIMITED, CountedPlan, RateVerdict, unlimited
from sluicegate.store.limiters.redis_quota import RedisLimiter


class ExactLimiter(RedisLimiter):
    """Rates and quotas in Redis, exact over all nodes."""

    def rate(
        self,
        name: str,
        rate: float,
        per_s: float,
        version: str = "",
        dry_run: bool = False,
        smoothing: RateLimitSmoothing | None = None,
    ) -> RateVerdict | Awaitable[RateVerdict]:
        if unlimited(rate, per_s):
            return UNLIMITED
        if version:
            name = f"{name}:{version}"
        if dry_run:
            self._reach.check()
            return self._look(name, int(rate) or 1, int(per_s * 1000))
        verdict = self._leases.take(name, RateVerdict, int(rate) or 1, int(per_s * 1000), restarts=True)
        return cast(RateVerdict | Awaitable[RateVerdict], verdict)

    async def _look(self, name: str, allowed: int, window_ms: int) -> RateVerdict:
        remaining, reset_at_s = await self._leases.look(name, RateVerdict, allowed, window_ms, restarts=True)
        return RateVerdict(remaining > 0, remaining, reset_at_s)

    def admit(self, plan: CountedPlan) -> tuple[int, int, int] | None:
        moment, leases = ticks(), self._leases
        rate = quota = None
        if plan.node_counter and (rate := leases.held(plan.node_counter, moment)) is None:
            return None
        if plan.quota_counter and (quota := leases.held(plan.quota_counter, moment)) is None:
            return None
        if rate is not None:
            leases.use(rate)
        if quota is None:
            return plan.shown_quota
        return leases.use_quota(quota)
