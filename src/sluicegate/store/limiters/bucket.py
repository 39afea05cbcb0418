"""Buckets over Redis, for the settings that only development builds of Tyk know (contract 07.2).

Both hold `rate` requests and let one through every `per / rate` seconds. The token bucket starts full: so many may come
at once. The leaky bucket makes requests wait until it is their turn, so that they leave evenly. They are exact over all
nodes, and go by the clock of Redis; what lies there is ours, not in Tyk's form.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import ClassVar

from sluicegate.apidef.session import RateLimitSmoothing
from sluicegate.clock import now
from sluicegate.store import names
from sluicegate.store.limiter import LONGEST_WINDOW_S, UNLIMITED, RateVerdict, unlimited
from sluicegate.store.limiters.redis_quota import RedisLimiter
from sluicegate.store.redis import Script

BUCKET = Script("bucket")


class TokenBucketLimiter(RedisLimiter):
    """The token bucket: `enable_token_bucket_rate_limiter`."""

    waits: ClassVar[bool] = False

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
        one_s = min(per_s / rate, LONGEST_WINDOW_S)  # of a rate that is next to nothing
        return self._rate(names.bucket(name), one_s * 1e6, per_s * 1e6, dry_run)

    async def _rate(self, name: str, one_us: float, most_us: float, dry_run: bool) -> RateVerdict:
        asks_only = b"1" if dry_run else b"0"
        one = max(1, int(one_us))  # more than a million a second no Redis counts
        question = self._backend.run(BUCKET, [name], one, max(one, int(most_us)), asks_only)
        has_room, wait_us, remaining = await self._reach.ask(question)
        if has_room and self.waits and not dry_run:
            await asyncio.sleep(wait_us / 1e6)
        return RateVerdict(bool(has_room), remaining, now() + (0 if has_room else wait_us / 1e6))


class LeakyBucketLimiter(TokenBucketLimiter):
    """The leaky bucket: `enable_leaky_bucket_rate_limiter`."""

    waits = True
