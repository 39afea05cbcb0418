"""Which limiter counts, by the settings (contract 07.2).

With the embedded store it is always the node's own (`node`): the store is reached by nobody else. Over Redis, the first
setting of Tyk's that is on decides; when none is, `sluicegate.limiter`; when that says nothing, a cluster counts in
Redis (`exact`), and a node by itself in its own memory, as Tyk's does, with its quotas in Redis.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluicegate.store.backend import Backend
from sluicegate.store.limiter import Limiter
from sluicegate.store.limiters import lease_sheet
from sluicegate.store.limiters.bucket import LeakyBucketLimiter, TokenBucketLimiter
from sluicegate.store.limiters.drl import DistributedLimiter, small_limits
from sluicegate.store.limiters.exact import ExactLimiter
from sluicegate.store.limiters.fixed_window import FixedWindowLimiter
from sluicegate.store.limiters.leases import Leases
from sluicegate.store.limiters.node import NodeLimiter
from sluicegate.store.limiters.node_rate import NodeRateLimiter
from sluicegate.store.limiters.redis_quota import RedisLimiter, RedisParts
from sluicegate.store.limiters.refusals import Refusals
from sluicegate.store.limiters.sliding_log import SentinelLimiter, SlidingLogLimiter
from sluicegate.store.limiters.sliding_window import SlidingWindowLimiter
from sluicegate.store.limiters.tally import Tally
from sluicegate.store.limiters.when_away import LocalShare
from sluicegate.store.reach import Reach
from sluicegate.store.redis import RedisBackend
from sluicegate.store.servers import Servers
from sluicegate.store.shared_counters import SharedCounters

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What limiters over Redis need to know of their worker.

    reach:    how long it waits for the store.
    servers:  the nodes that share the store.
    sheet:    the memory where its leases are written; `limiters.lease_sheet`.
    tally:    what all workers of its node were told by the store.
    refusals: what it refused to any of them.
    """

    reach: Reach
    servers: Servers
    sheet: mmap.mmap
    tally: Tally
    refusals: Refusals


def make_limiter(
    settings: Settings, backend: Backend, counters: SharedCounters, around: Surroundings | None = None
) -> Limiter:
    """Return the limiter that the settings ask for. Over Redis it needs its surroundings."""
    if not isinstance(backend, RedisBackend):
        return NodeLimiter(counters)
    assert around is not None
    leases = Leases(backend, around.reach, lease_sheet.LeaseSheet(around.sheet), around.tally)
    local = LocalShare(around.tally, lambda: around.servers.count)
    parts = RedisParts(backend, around.reach, leases, local, around.refusals)
    return _over_redis(settings, parts, counters, around.servers)


def _over_redis(settings: Settings, parts: RedisParts, counters: SharedCounters, servers: Servers) -> RedisLimiter:
    if settings.enable_fixed_window_rate_limiter:
        return FixedWindowLimiter(parts)
    if settings.enable_leaky_bucket_rate_limiter:
        return LeakyBucketLimiter(parts)
    if settings.enable_token_bucket_rate_limiter:
        return TokenBucketLimiter(parts)
    if settings.enable_sliding_window_rate_limiter:
        return SlidingWindowLimiter(parts)
    return _with_log(settings, parts, counters, servers)


def _with_log(settings: Settings, parts: RedisParts, counters: SharedCounters, servers: Servers) -> RedisLimiter:
    """Return Tyk's limiters that write a log of requests, or may do so, and our own."""
    smooths = settings.enable_rate_limit_smoothing
    marks = settings.drl_enable_sentinel_rate_limiter
    choice = settings.sluicegate.limiter or ("exact" if settings.cluster.enabled else "")
    if settings.enable_sentinel_rate_limiter:
        return SentinelLimiter(parts, smooths)
    if settings.enable_redis_rolling_limiter:
        return SlidingLogLimiter(parts, marks, smooths)
    if choice == "exact":
        return ExactLimiter(parts)
    if choice == "tyk":
        log = small_limits(parts, marks, smooths)
        return DistributedLimiter(parts, NodeLimiter(counters), servers, settings.drl_threshold, log)
    return NodeRateLimiter(parts, counters)
