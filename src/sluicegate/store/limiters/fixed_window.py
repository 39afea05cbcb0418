"""Tyk's fixed window: a counter in Redis for each stretch of `per` seconds since 1970 (contract 07.6)."""

from __future__ import annotations

from collections.abc import Awaitable

from sluicegate.apidef.session import RateLimitSmoothing
from sluicegate.clock import now
from sluicegate.store import names
from sluicegate.store.limiter import UNLIMITED, RateVerdict, unlimited
from sluicegate.store.limiters.redis_quota import RedisLimiter
from sluicegate.store.tokens import to_bytes


class FixedWindowLimiter(RedisLimiter):
    """The fixed window: `enable_fixed_window_rate_limiter`. It never says what remains, as Tyk's does not."""

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
        return self._reach.ask(self._rate(name, int(rate), int(per_s), dry_run))

    async def _rate(self, name: str, allowed: int, per_s: int, dry_run: bool) -> RateVerdict:
        moment_s = now()
        starts_s = int(moment_s) // per_s * per_s
        ends_s = starts_s + per_s
        counter = to_bytes(names.fixed_window(name, starts_s * 1_000_000_000))
        if dry_run:
            used = int(await self._backend.call(b"GET", counter) or 0)
            return RateVerdict(used < allowed, 0, ends_s)
        count = self._backend.call(b"INCR", counter)
        expiry = self._backend.call(b"PEXPIRE", counter, max(1, int((ends_s - moment_s) * 1000)))
        used = await count
        await expiry
        return RateVerdict(used <= allowed, 0, ends_s)
