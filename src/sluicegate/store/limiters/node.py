"""The limiter of a node by itself: exact over its workers, without a word to anybody else.

Tyk's default in one process is a bucket that is filled to `rate` again when `per` has passed since it was first used
(contract 07.5). This is that bucket, in memory that all workers share. Requests that are refused are not counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sluicegate.apidef.session import RateLimitSmoothing
from sluicegate.clock import now
from sluicegate.store.limiter import NO_QUOTA, UNLIMITED, CountedPlan, Limiter, QuotaVerdict, RateVerdict
from sluicegate.store.shared_counters import SharedCounters

NO_CEILING = 1 << 62


class NodeLimiter(Limiter):
    """Rates and quotas in shared memory. Every answer is immediate."""

    def __init__(self, counters: SharedCounters) -> None:
        self._counters = counters
        self._count, self._count_both = counters.count, counters.count_both

    def rate(
        self,
        name: str,
        rate: float,
        per_s: float,
        version: str = "",
        dry_run: bool = False,
        smoothing: RateLimitSmoothing | None = None,
    ) -> RateVerdict:
        if rate <= 0 or per_s < 1:
            return UNLIMITED
        allowed = int(rate) or 1
        if version:
            name = f"{name}:{version}"
        if dry_run:
            before, end_s = self._counters.peek(name)
            return RateVerdict(before < allowed, max(0, allowed - before), end_s)
        before, end_s = self._count(name, per_s, allowed)
        if before < allowed:
            return RateVerdict(True, allowed - before - 1, end_s)
        if end_s - now() > per_s:  # the clock was set back, or `per` was made shorter
            self._counters.forget(name)
            before, end_s = self._count(name, per_s, allowed)
        return RateVerdict(before < allowed, max(0, allowed - before - 1), end_s)

    def quota(self, name: str, quota_max: int, renewal_s: int) -> QuotaVerdict:
        if quota_max <= 0:
            return NO_QUOTA
        before, end_s = self._count(name, renewal_s if renewal_s > 0 else math.inf, NO_CEILING)
        left = quota_max - before - 1
        renews_at_s = end_s if renewal_s > 0 else 0.0
        return QuotaVerdict(True, left, renews_at_s) if left >= 0 else QuotaVerdict(False, 0, renews_at_s)

    def admit(self, plan: CountedPlan) -> tuple[int, int, int] | None:
        allowed, quota_max = plan.allowed, plan.quota_max
        counted = self._count_both(plan.node_counter, allowed, plan.quota_counter)
        if counted is not None:
            rated, used, renews_at_s = counted
            if rated >= allowed:
                return None
        else:
            count, renewal_s = self._count, plan.quota_renewal_s
            if plan.node_counter and count(plan.node_counter, plan.per_s, allowed)[0] >= allowed:
                return None
            if not plan.quota_counter:
                return plan.shown_quota
            used, end_s = count(plan.quota_counter, renewal_s if renewal_s > 0 else math.inf, NO_CEILING)
            renews_at_s = int(end_s) if renewal_s > 0 else 0
        left = quota_max - used - 1
        return quota_max, left if left >= 0 else -1, renews_at_s

    async def quota_used(self, name: str) -> tuple[int, float] | None:
        used, end_s = self._counters.peek(name)
        return (used, 0.0 if math.isinf(end_s) else end_s) if end_s else None

    async def reset(self, names: Sequence[str]) -> None:
        for name in names:
            self._counters.forget(name)
