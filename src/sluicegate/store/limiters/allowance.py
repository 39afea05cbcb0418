"""What a worker may still admit of one counter, and what it knows of that counter.

Theory. The store counts an admission before it is used (`scripts/grant.lua`), so all workers of all nodes together
never admit more than the limit, whatever dies in between. To ask for each request would cost a round trip each, so a
worker that is asked often takes some more at once: a lease.

    held       `left` admissions, good until `ends` (ticks): a request takes one without asking anybody
    asking     one question is under way; requests that find nothing in hand wait, and the next question is for all of
               them. When half of a lease is used the next is asked for, so that a busy key hardly ever waits
    shut       the store said that nothing is left: requests are refused without asking, until `shut_until`

A lease is for LEASE_S seconds of what was used lately, at most twice what was in hand before, and at most an eighth of
what is left of the limit, which makes it one near the end; limits below LEASED_FROM are never leased, so that they are
exact to the single request. What is not used goes back: see `leases`.

`ends` is reckoned from before the question was sent, so that a lease is never used after its window by the store's
clock has ended, and the clocks of nodes do not matter.
"""

from __future__ import annotations

import asyncio
from collections import deque

from sluicegate.store import names
from sluicegate.store.limiter import QuotaVerdict, RateVerdict

LEASED_FROM = 500
LEASE_S = 0.1
LARGEST_LEASE = 5_000
LOOK_AGAIN_S = 0.25
"""How long a counter that is used up is taken for that: a lease may have been given back meanwhile."""

Verdict = RateVerdict | QuotaVerdict


class Allowance:
    """One counter, as this worker sees it.

    name, stored: what it is called here, and in the store.
    kind, limit, window_ms: what is asked for; 0 never ends.
    restarts:   whether a window that is longer than this one begins anew.
    left, ends: admissions in hand, and until when (ticks) they are good.
    ends_ms:    the end of the window by the store's clock, which names it; reset_at_s: by the clock of this machine.
    counted:    how many the store had counted in the window when it was last asked.
    granted:    how many were in hand after the last answer, to a question asked at granted_ticks.
    refill_at:  with how many left the next lease is asked for; -1: not before there are none.
    slot:       where of the lease sheet the lease stands; -1: there is none.
    is_late:    whether the store takes too long over the question that is under way.
    """

    __slots__ = (
        "asking",
        "counted",
        "ends",
        "ends_ms",
        "granted",
        "granted_ticks",
        "is_late",
        "kind",
        "left",
        "limit",
        "name",
        "refill_at",
        "reset_at_s",
        "restarts",
        "seen_left",
        "shut_until",
        "slot",
        "stored",
        "waiting",
        "window_ms",
    )

    def __init__(self, name: str, stored: str, kind: type[Verdict]) -> None:
        self.name, self.stored, self.kind = name, stored, kind
        self.limit = self.window_ms = 0
        self.restarts = False
        self.left, self.ends, self.ends_ms, self.reset_at_s = 0, 0.0, 0, 0.0
        self.counted, self.granted, self.granted_ticks = 0, 0, 0.0
        self.refill_at, self.shut_until = -1, 0.0
        self.slot, self.seen_left = -1, 0
        self.is_late = False
        self.asking = False
        self.waiting: deque[asyncio.Future[Verdict]] = deque()

    def aim(self, limit: int, window_ms: int, restarts: bool) -> None:
        """Go by these from now on."""
        if limit != self.limit:
            self.limit, self.shut_until = limit, 0.0
        self.window_ms, self.restarts = window_ms, restarts

    def lease_wanted(self, moment: float) -> int:
        """Return how many more than those that wait are worth asking for."""
        if self.limit < LEASED_FROM or not self.granted:
            return 0
        used = self.granted - self.left
        passed_s = max(moment - self.granted_ticks, 0.001)
        return min(int(used / passed_s * LEASE_S), 2 * self.granted, LARGEST_LEASE)

    def take_grant(self, granted: int, counted: int, left_ms: int, ends_ms: int, asked: float, wall: float) -> None:
        """The store has answered a question that was asked at `asked` (ticks), at `wall` (seconds since 1970)."""
        ends = asked + left_ms / 1000 if left_ms >= 0 else float("inf")
        if abs(ends_ms - self.ends_ms) > 50 or asked >= self.ends:  # another window: what was left belongs to the old
            self.left = 0
        self.left += granted
        self.granted, self.granted_ticks = self.left, asked
        self.counted, self.ends, self.ends_ms = counted, ends, ends_ms
        self.reset_at_s = wall + left_ms / 1000 if left_ms >= 0 else 0.0

    def verdict_of_one(self) -> Verdict:
        """Return the verdict for the next of those in hand."""
        return self.kind(True, max(0, self.limit - self.counted + self.left - 1), self.reset_at_s)

    def refused(self) -> Verdict:
        """Return the verdict for one that is over the limit."""
        return self.kind(False, 0, self.reset_at_s)


def stored_name(name: str, kind: type[Verdict]) -> str:
    """Return what a counter is called in the store: quotas as Tyk calls them."""
    return names.exact_limit(name) if kind is RateVerdict else name
