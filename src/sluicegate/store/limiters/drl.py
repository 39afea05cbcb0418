"""Tyk's default among several nodes (contracts 07.2, 07.5): `sluicegate.limiter: tyk`.

A limit is divided by the nodes that announce themselves, and each counts its part in memory. Small limits, of which a
part would be next to nothing, are counted by a log in Redis instead: where nodes x `drl_threshold` is not below the
requests per second. To be used where Tyk's nodes serve the same keys; else our own is exact at any rate.
"""

from __future__ import annotations

from collections.abc import Awaitable

from sluicegate.apidef.session import RateLimitSmoothing
from sluicegate.store.limiter import RateVerdict, unlimited
from sluicegate.store.limiters.node import NodeLimiter
from sluicegate.store.limiters.redis_quota import RedisLimiter, RedisParts
from sluicegate.store.limiters.sliding_log import SentinelLimiter, SlidingLogLimiter
from sluicegate.store.servers import Servers


class DistributedLimiter(RedisLimiter):
    """Rates divided among nodes, quotas in Redis."""

    def __init__(
        self, parts: RedisParts, node: NodeLimiter, servers: Servers, threshold: float, log: SlidingLogLimiter
    ) -> None:
        """log: counts limits that are too small to be divided; the sentinel with `drl_enable_sentinel_rate_limiter`."""
        super().__init__(parts)
        self._node, self._servers, self._threshold, self._log = node, servers, threshold, log

    def rate(
        self,
        name: str,
        rate: float,
        per_s: float,
        version: str = "",
        dry_run: bool = False,
        smoothing: RateLimitSmoothing | None = None,
    ) -> RateVerdict | Awaitable[RateVerdict]:
        servers = self._servers.count
        if unlimited(rate, per_s) or servers <= 1 or servers * self._threshold < rate / per_s:
            return self._node.rate(name, rate / servers, per_s, version, dry_run)
        return self._log.rate(name, rate, per_s, version, dry_run, smoothing)


def small_limits(parts: RedisParts, sentinel: bool, smooths: bool) -> SlidingLogLimiter:
    """Return what counts limits that are too small to be divided."""
    return SentinelLimiter(parts, smooths) if sentinel else SlidingLogLimiter(parts, smooths=smooths)
