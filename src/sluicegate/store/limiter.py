"""The port: whether one more request is within a rate and a quota.

Counters that are in this process' reach are answered on the spot; those in Redis by an awaitable, which raises
StoreError when the store is away. Which algorithm counts is chosen in `store.limiters` (contract 07.2).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from sluicegate.apidef.session import RateLimitSmoothing

LONGEST_WINDOW_S = 1 << 32
"""A longer window counts as this one, of 136 years: what lasts for ever Redis refuses to count."""


class RateVerdict(msgspec.Struct, frozen=True, gc=False):
    """allowed: whether the request may go on. remaining: how many more may follow, never below 0.

    reset_at_s: when requests are free again, in seconds since 1970.
    """

    allowed: bool
    remaining: int
    reset_at_s: float


class QuotaVerdict(msgspec.Struct, frozen=True, gc=False):
    """allowed: whether the request may go on. remaining: what is left, never below 0.

    renews_at_s: when the quota begins anew, in seconds since 1970; 0 is never.
    """

    allowed: bool
    remaining: int
    renews_at_s: float


class CountedPlan(Protocol):
    """What of a key's plan is counted (`chain.key_plan.KeyPlan`); an empty name is not counted."""

    @property
    def node_counter(self) -> str:
        """Name of the rate's counter, with the version of the key."""

    @property
    def allowed(self) -> int:
        """Requests that the rate allows in its window."""

    @property
    def per_s(self) -> float:
        """The rate's window."""

    @property
    def quota_counter(self) -> str:
        """Name of the quota's counter."""

    @property
    def quota_max(self) -> int:
        """Requests that the quota allows."""

    @property
    def quota_renewal_s(self) -> int:
        """The quota's window; 0 or less never ends."""

    @property
    def shown_quota(self) -> tuple[int, int, int]:
        """What is shown where no quota is counted."""


class Limiter(ABC):
    """Counts requests. Names of counters come from `store.names`."""

    @abstractmethod
    def rate(
        self,
        name: str,
        rate: float,
        per_s: float,
        version: str = "",
        dry_run: bool = False,
        smoothing: RateLimitSmoothing | None = None,
    ) -> RateVerdict | Awaitable[RateVerdict]:
        """Count a request of a rate limit and return the verdict.

        rate, per_s: requests within seconds, as they stand in the definition; 0 or less, or less than a second, limits
        nothing (contract 07.3). `per_s` is LONGEST_WINDOW_S at most.
        version: what begins a new window when it changes: `last_updated` of the session (contract 07.5).
        dry_run: a request that waits its turn only asks (contract 07.7).
        smoothing: how the rate grows and shrinks, where the algorithm knows that (contract 07.9).
        """

    @abstractmethod
    def quota(self, name: str, quota_max: int, renewal_s: int) -> QuotaVerdict | Awaitable[QuotaVerdict]:
        """Count a request of a quota and return the verdict; a refused request counts too (contract 07.10).

        quota_max: 0 or less limits nothing. renewal_s: the window begins with the first request; 0 or less never ends,
        and LONGEST_WINDOW_S is the most.
        """

    def admit(self, plan: CountedPlan) -> tuple[int, int, int] | None:
        """Count a request of a key's rate and quota in one go, for the road, if that needs no waiting.

        Returns the quota's limit, what remains of it (-1: it is exceeded), and when it renews. None: nothing was
        counted, because the rate refuses or somebody has to be asked; then `rate` and `quota` say.
        """
        return None

    def when_away(self, choice: str) -> Limiter:
        """Return a limiter that does as `choice` says while the store is away (`limiters.when_away`)."""
        return self

    @abstractmethod
    async def quota_used(self, name: str) -> tuple[int, float] | None:
        """Return how much of a quota is used and when it renews (0: never), or None when nothing was counted."""

    @abstractmethod
    async def reset(self, names: Sequence[str]) -> None:
        """Forget counters and marks."""

    def start(self) -> None:  # noqa: B027 - most have nothing to begin
        """Begin what runs beside the road."""

    async def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back what is held, and stop."""


def unlimited(rate: float, per_s: float) -> bool:
    """Return whether a rate limit limits nothing."""
    return rate <= 0 or per_s < 1


UNLIMITED = RateVerdict(True, 0, 0.0)
NO_QUOTA = QuotaVerdict(True, 0, 0.0)
