"""Tyk's rolling window and its sentinel, in Tyk's names and values (contracts 07.3, 07.4).

Every request is written to a log in Redis, a refused one too, which is why a client that goes on hammering stays out.
With the sentinel the log is written beside the road, and a mark in Redis decides: it is late by one request, and stays
for the whole of `per`. A limit may grow and shrink with its use: see `smoothing`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

from sluicegate.apidef.session import RateLimitSmoothing
from sluicegate.clock import now
from sluicegate.errors import StoreError
from sluicegate.store import names
from sluicegate.store.limiter import UNLIMITED, RateVerdict, unlimited
from sluicegate.store.limiters.redis_quota import RedisLimiter, RedisParts
from sluicegate.store.limiters.smoothing import is_valid, smoothed
from sluicegate.store.redis import Script

SLIDING_LOG = Script("sliding_log")
MOST_BEHIND = 10_000


class SlidingLogLimiter(RedisLimiter):
    """The rolling window: `enable_redis_rolling_limiter`."""

    def __init__(self, parts: RedisParts, marks: bool = False, smooths: bool = False) -> None:
        """Prepare.

        marks:   block one request earlier and leave the sentinel's mark (`drl_enable_sentinel_rate_limiter`).
        smooths: whether limits may grow and shrink (`enable_rate_limit_smoothing`).
        """
        super().__init__(parts)
        self._marks, self._smooths = marks, smooths

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
        self._reach.check()
        if not self._smooths or not is_valid(smoothing):
            smoothing = None
        return self._reach.ask(self._rate(name, int(rate), int(per_s), dry_run, smoothing))

    async def _rate(
        self, name: str, allowed: int, per_s: int, dry_run: bool, smoothing: RateLimitSmoothing | None
    ) -> RateVerdict:
        """Write to the log and judge by it."""
        moment_ns = time.time_ns()
        before, frees_ns = await self._backend.run(
            SLIDING_LOG, [name], moment_ns, moment_ns - per_s * 1_000_000_000, allowed, per_s
        )
        if smoothing is not None:
            allowed = await smoothed(self._backend, name, smoothing, before, allowed)
        blocked = before > allowed - (2 if self._marks else 1)
        if blocked and self._marks and not dry_run:
            await self._backend.add(names.blocked(name), b"1", per_s)
        remaining = max(0, allowed - before - 1)
        moment_s = moment_ns / 1e9
        return RateVerdict(not blocked, remaining, moment_s if remaining else int(frees_ns) / 1e9 + per_s)


class SentinelLimiter(SlidingLogLimiter):
    """The rolling window beside the road: `enable_sentinel_rate_limiter`."""

    def __init__(self, parts: RedisParts, smooths: bool = False) -> None:
        super().__init__(parts, marks=True, smooths=smooths)
        self._behind: set[asyncio.Task[None]] = set()

    async def _rate(
        self, name: str, allowed: int, per_s: int, dry_run: bool, smoothing: RateLimitSmoothing | None
    ) -> RateVerdict:
        left_s = await self._backend.ttl_s(names.blocked(name))
        if len(self._behind) < MOST_BEHIND:
            task = asyncio.create_task(self._note(name, allowed, per_s, dry_run, smoothing))
            self._behind.add(task)
            task.add_done_callback(self._behind.discard)
        return RateVerdict(left_s <= 0, 0, now() + max(0.0, left_s))

    async def _note(
        self, name: str, allowed: int, per_s: int, dry_run: bool, smoothing: RateLimitSmoothing | None
    ) -> None:
        try:
            await super()._rate(name, allowed, per_s, dry_run, smoothing)
        except StoreError as error:  # of a store that is away the next request tells
            self._parts.refusals.note(error)
