"""Tyk's default for a node by itself: rates in the node's memory, quotas in Redis."""

from __future__ import annotations

from sluicegate.apidef.session import RateLimitSmoothing
from sluicegate.clock import ticks
from sluicegate.store.limiter import CountedPlan, RateVerdict
from sluicegate.store.limiters.node import NodeLimiter
from sluicegate.store.limiters.redis_quota import RedisLimiter, RedisParts
from sluicegate.store.shared_counters import SharedCounters


class NodeRateLimiter(RedisLimiter):
    """Rates of one node, exact over its workers."""

    def __init__(self, parts: RedisParts, counters: SharedCounters) -> None:
        super().__init__(parts)
        self._node = NodeLimiter(counters)
        self._count = counters.count

    def rate(
        self,
        name: str,
        rate: float,
        per_s: float,
        version: str = "",
        dry_run: bool = False,
        smoothing: RateLimitSmoothing | None = None,
    ) -> RateVerdict:
        return self._node.rate(name, rate, per_s, version, dry_run)

    def admit(self, plan: CountedPlan) -> tuple[int, int, int] | None:
        quota = None
        if plan.quota_counter and (quota := self._leases.held(plan.quota_counter, ticks())) is None:
            return None
        if plan.node_counter and self._count(plan.node_counter, plan.per_s, plan.allowed)[0] >= plan.allowed:
            return None
        return plan.shown_quota if quota is None else self._leases.use_quota(quota)
