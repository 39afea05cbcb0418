"""A sliding window over Redis in O(1) memory, for a setting that only development builds of Tyk know (contract 07.2).

Two counters tell how many requests the last `per` seconds had, as if those of the window before had come evenly.
Refused requests are not counted; what lies in Redis is ours, not in Tyk's form.
"""

from __future__ import annotations

from collections.abc import Awaitable

from sluicegate.apidef.session import RateLimitSmoothing
from sluicegate.clock import now
from sluicegate.store import names
from sluicegate.store.limiter import UNLIMITED, RateVerdict, unlimited
from sluicegate.store.limiters.redis_quota import RedisLimiter
from sluicegate.store.redis import Script

SLIDING_WINDOW = Script("sliding_window")


class SlidingWindowLimiter(RedisLimiter):
    """The sliding window: `enable_sliding_window_rate_limiter`."""

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
        return self._rate(names.sliding_window(name), int(rate) or 1, int(per_s * 1000), dry_run)

    async def _rate(self, name: str, allowed: int, window_ms: int, dry_run: bool) -> RateVerdict:
        question = self._backend.run(SLIDING_WINDOW, [name], allowed, window_ms, b"1" if dry_run else b"0")
        has_room, remaining, left_ms = await self._reach.ask(question)
        return RateVerdict(bool(has_room), remaining, now() + left_ms / 1000)
