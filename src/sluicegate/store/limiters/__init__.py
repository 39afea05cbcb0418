"""Which limiter counts, by the settings (contract 07.2).

With the embedded store it is always the node's own (`node`): the store is reached by nobody else. Over Redis, the first
setting of Tyk's that is on decides; when none is, a cluster counts in Redis (`exact`), and a node by itself in its
own memory, as Tyk's does, with its quotas in Redis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluicegate.store.backend import Backend
from sluicegate.store.limiter import Limiter, RateVerdict
from sluicegate.store.limiters.exact import ExactLimiter
from sluicegate.store.limiters.fixed_window import FixedWindowLimiter
from sluicegate.store.limiters.node import NodeLimiter
from sluicegate.store.limiters.redis_quota import RedisLimiter
from sluicegate.store.limiters.sliding_log import SentinelLimiter, SlidingLogLimiter
from sluicegate.store.redis import RedisBackend
from sluicegate.store.shared_counters import SharedCounters

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings


class NodeRateLimiter(RedisLimiter):
    """Rates in the node's memory, quotas in Redis: Tyk's default for a single node."""

    def __init__(self, backend: RedisBackend, counters: SharedCounters) -> None:
        super().__init__(backend)
        self._node = NodeLimiter(counters)

    def rate(self, name: str, rate: float, per_s: float, version: str = "", dry_run: bool = False) -> RateVerdict:
        return self._node.rate(name, rate, per_s, version, dry_run)


def make_limiter(settings: Settings, backend: Backend, counters: SharedCounters) -> Limiter:
    """Return the limiter that the settings ask for."""
    if not isinstance(backend, RedisBackend):
        return NodeLimiter(counters)
    if settings.enable_fixed_window_rate_limiter:
        return FixedWindowLimiter(backend)
    if settings.enable_sentinel_rate_limiter:
        return SentinelLimiter(backend)
    if settings.enable_redis_rolling_limiter:
        return SlidingLogLimiter(backend, marks=settings.drl_enable_sentinel_rate_limiter)
    if settings.cluster.enabled:
        return ExactLimiter(backend)
    return NodeRateLimiter(backend, counters)
