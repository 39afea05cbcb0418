"""What limits do while the store is away: `sluicegate.store_failure.limits`, or what an API says for itself.

    closed   nothing is admitted that should be counted: the road answers 503
    open     everything is admitted, and nothing counted
    local    each node admits its share of what was left when any of its workers last asked the store: that, divided by
             the nodes that were heard of last, and one at least. Its workers count together (`tally`)

What `local` admitted is told to the store when it is back, in the first question about the counter, whichever worker
asks: so the limit holds over the whole window, as well as nodes that could not see each other can keep it. (Tyk's
algorithms are not told.) Leases that are in hand are used first: they were counted already.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from sluicegate.apidef.session import RateLimitSmoothing
from sluicegate.clock import now
from sluicegate.errors import StoreError
from sluicegate.store.limiter import UNLIMITED, CountedPlan, Limiter, QuotaVerdict, RateVerdict, unlimited
from sluicegate.store.limiters.allowance import stored_name

if TYPE_CHECKING:
    from sluicegate.store.limiters.redis_quota import RedisLimiter
    from sluicegate.store.limiters.refusals import Refusals
    from sluicegate.store.limiters.tally import Tally

LOCAL, OPEN, CLOSED = CHOICES = ("local", "open", "closed")


class LocalShare:
    """Counts for one node what the store cannot.

    node_count: returns how many nodes shared the store when it was last there.
    """

    def __init__(self, tally: Tally, node_count: Callable[[], int]) -> None:
        self._tally, self._node_count = tally, node_count

    def rate(self, name: str, allowed: int, per_s: float) -> RateVerdict:
        """Count a request of a rate limit."""
        return RateVerdict(*self._count(name, RateVerdict, allowed, int(per_s * 1000)))

    def quota(self, name: str, quota_max: int, renewal_s: int) -> QuotaVerdict:
        """Count a request of a quota."""
        return QuotaVerdict(*self._count(name, QuotaVerdict, quota_max, max(0, renewal_s) * 1000))

    def forget(self, names: Sequence[str]) -> None:
        """These counters, as they are called in the store, begin anew."""
        for name in names:
            self._tally.forget(name)

    def _count(
        self, name: str, kind: type[RateVerdict | QuotaVerdict], limit: int, window_ms: int
    ) -> tuple[bool, int, float]:
        allowed, left, ends_in_s = self._tally.admit(stored_name(name, kind), limit, window_ms, self._node_count())
        return allowed, left, now() + ends_in_s if isfinite(ends_in_s) else 0.0


class WhenAway(Limiter):
    """A limiter over the store that has an answer while the store is away: `open` or `local`."""

    def __init__(self, inner: RedisLimiter, local: LocalShare | None, refusals: Refusals) -> None:
        """Prepare; without a local share everything is admitted. refusals: are told why the store was not asked."""
        self._inner, self._local, self._refusals = inner, local, refusals

    def rate(
        self,
        name: str,
        rate: float,
        per_s: float,
        version: str = "",
        dry_run: bool = False,
        smoothing: RateLimitSmoothing | None = None,
    ) -> RateVerdict | Awaitable[RateVerdict]:
        counter = f"{name}:{version}" if version else name
        try:
            verdict = self._inner.rate(name, rate, per_s, version, dry_run, smoothing)
        except StoreError as error:
            self._refusals.note(error)
            return self._rate_here(counter, rate, per_s, dry_run)
        return verdict if isinstance(verdict, RateVerdict) else self._rate_later(verdict, counter, rate, per_s, dry_run)

    def quota(self, name: str, quota_max: int, renewal_s: int) -> QuotaVerdict | Awaitable[QuotaVerdict]:
        try:
            verdict = self._inner.quota(name, quota_max, renewal_s)
        except StoreError as error:
            self._refusals.note(error)
            return self._quota_here(name, quota_max, renewal_s)
        if isinstance(verdict, QuotaVerdict):
            return verdict
        return self._quota_later(verdict, name, quota_max, renewal_s)

    def admit(self, plan: CountedPlan) -> tuple[int, int, int] | None:
        return self._inner.admit(plan)

    async def quota_used(self, name: str) -> tuple[int, float] | None:
        return await self._inner.quota_used(name)

    async def reset(self, names: Sequence[str]) -> None:
        await self._inner.reset(names)

    async def _rate_later(
        self, asking: Awaitable[RateVerdict], counter: str, rate: float, per_s: float, dry_run: bool
    ) -> RateVerdict:
        try:
            return await asking
        except StoreError as error:
            self._refusals.note(error)
            return self._rate_here(counter, rate, per_s, dry_run)

    async def _quota_later(
        self, asking: Awaitable[QuotaVerdict], name: str, quota_max: int, renewal_s: int
    ) -> QuotaVerdict:
        try:
            return await asking
        except StoreError as error:
            self._refusals.note(error)
            return self._quota_here(name, quota_max, renewal_s)

    def _rate_here(self, counter: str, rate: float, per_s: float, dry_run: bool) -> RateVerdict:
        if self._local is None or dry_run or unlimited(rate, per_s):
            return UNLIMITED
        return self._local.rate(counter, int(rate) or 1, per_s)

    def _quota_here(self, name: str, quota_max: int, renewal_s: int) -> QuotaVerdict:
        if self._local is None:
            return QuotaVerdict(True, quota_max, 0.0)
        return self._local.quota(name, quota_max, renewal_s)
