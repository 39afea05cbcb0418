"""All that a worker holds of the limits in the store: how it is asked for, used, and given back.

What an allowance is stands in `allowance`. Here is what happens to it:

    take       a request takes one that is in hand: no task, no future, no word to the store
    ask        none is in hand: the request waits for the answer to the one question that is under way for its counter
    sweep      every SWEEP_S: a lease that was not touched since, or is older than KEPT_S, goes back to the store
    inherit    what a worker that was killed had not used goes back as soon as another has taken its place
    close      a worker that ends gives everything back

So a lease that nobody uses is free for others after KEPT_S + SWEEP_S at most, and a request that was refused meanwhile
is admitted when it comes again. What a whole machine takes with it counts as used, up to the end of the window, and so
does what was asked for or given back when the answer got lost: nobody knows whether it was. Nothing goes back twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from sluicegate.clock import now, ticks
from sluicegate.errors import StoreError
from sluicegate.store import names
from sluicegate.store.limiters.allowance import LOOK_AGAIN_S, Allowance, Verdict, stored_name
from sluicegate.store.limiters.lease_sheet import Lease, LeaseSheet
from sluicegate.store.limiters.tally import Owed, Tally
from sluicegate.store.reach import Deadline, Reach
from sluicegate.store.redis import RedisBackend, Script
from sluicegate.store.redis.link import NotSent
from sluicegate.store.redis.slots import beside

GRANT = Script("grant")
GIVE_BACK = Script("give_back")

SWEEP_S = 0.1
KEPT_S = 0.5
REFILLED_FROM = 8
"""Admissions that make a lease worth being refilled before it is used up."""
MOST_REMEMBERED = 10_000
LARGEST_SKEW_MS = 60_000
"""How far the clocks of store and node may be apart before something is given up too early that could go back."""


class Leases:
    """The allowances of one worker, by the names of their counters.

    tally: where the workers of the node write down what the store has told them, and what it has to be told.
    """

    def __init__(self, backend: RedisBackend, reach: Reach, sheet: LeaseSheet, tally: Tally) -> None:
        self._backend, self._reach, self._sheet, self._tally = backend, reach, sheet, tally
        self._all: dict[str, Allowance] = {}
        self._held: dict[str, Allowance] = {}  # those with a slot of the sheet
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._owed_back: list[Lease] = sheet.inherit()
        self.find = self._all.get

    def held(self, name: str, moment: float) -> Allowance | None:
        """Return an allowance that has something in hand."""
        found = self.find(name)
        return found if found is not None and found.left > 0 and found.ends > moment else None

    def use(self, allowance: Allowance) -> None:
        """Take one of those in hand."""
        left = allowance.left = allowance.left - 1
        if allowance.slot >= 0:
            self._sheet.cells[allowance.slot] = left
            if left == allowance.refill_at:
                self._refill(allowance)

    def use_quota(self, quota: Allowance) -> tuple[int, int, int]:
        """Take one of those in hand, and return what is shown of a quota: limit, what remains, when it renews."""
        self.use(quota)
        left = quota.limit - quota.counted + quota.left
        return quota.limit, left if left > 0 else 0, int(quota.reset_at_s)

    def take(
        self, name: str, kind: type[Verdict], limit: int, window_ms: int, *, restarts: bool
    ) -> Verdict | asyncio.Future[Verdict]:
        """Admit a request, or refuse it, or have it wait for the verdict. Raises StoreError."""
        allowance = self.find(name) or self._new(name, kind)
        allowance.aim(limit, window_ms, restarts)
        moment = ticks()
        if allowance.left > 0 and allowance.ends > moment:
            return self._admitted(allowance)
        if allowance.shut_until > moment:
            return allowance.refused()
        self._reach.check()
        if allowance.is_late:
            raise self._reach.late()
        verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        allowance.waiting.append(verdict)
        if not allowance.asking:
            allowance.asking = True
            self._spawn(self._ask(allowance))
        return verdict

    async def look(
        self, name: str, kind: type[Verdict], limit: int, window_ms: int, *, restarts: bool
    ) -> tuple[int, float]:
        """Return what is left of a limit, and when its window ends (seconds since 1970), without using any of it."""
        found = self.find(name)
        in_hand = found.left if found is not None and found.ends > ticks() else 0
        stored = found.stored if found is not None else stored_name(name, kind)
        question = self._backend.run(GRANT, [stored], 0, 0, limit, window_ms, b"1" if restarts else b"0")
        _, counted, left_ms, _ = await self._reach.ask(question)
        return max(0, limit - counted) + in_hand, now() + left_ms / 1000

    async def give_back(self, names: Iterable[str]) -> None:
        """Give back what is in hand of some counters, before somebody looks at them. Raises StoreError."""
        for name in names:
            allowance = self._held.get(name)
            if allowance is not None:
                await self._return(self._close(allowance))

    def forget(self, names: Iterable[str]) -> None:
        """These counters begin anew: what is in hand of them is void."""
        for name in names:
            allowance = self._all.pop(name, None)
            if allowance is not None:
                allowance.left = 0
                if allowance.slot >= 0:
                    self._close(allowance)

    def start(self) -> None:
        """Begin to give back what a worker before this one left."""
        if self._owed_back:
            self._sweep_later()

    async def close(self) -> None:
        """Give everything back, and wait for nothing else."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        unused = self._owed_back + [self._close(allowance) for allowance in list(self._held.values())]
        await asyncio.gather(*map(self._return, unused), return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- asking

    def _refill(self, allowance: Allowance) -> None:
        """Ask for the next lease while there is something left of this one."""
        if not allowance.asking and not self._reach.is_hung:
            allowance.asking = True
            self._spawn(self._ask(allowance, ahead=True))

    async def _ask(self, allowance: Allowance, ahead: bool = False) -> None:
        """Ask the store until nobody waits any more; `ahead`: once in any case."""
        try:
            if ahead:
                await self._ask_once(allowance)
                self._answer_waiting(allowance)
            while allowance.waiting:
                await self._ask_once(allowance)
                self._answer_waiting(allowance)
        except StoreError as error:
            _fail(allowance, error)
        finally:
            allowance.asking = False

    async def _ask_once(self, allowance: Allowance) -> None:
        """Ask for those that wait. When the store takes too long they are told so; what it grants later is kept."""
        asked = ticks()
        more = allowance.lease_wanted(asked) if self._sheet.has_room or allowance.slot >= 0 else 0
        need = len(allowance.waiting)
        owed = self._tally.owed(allowance.stored)
        deadline = Deadline(self._reach.timeout_s, lambda: self._too_late(allowance))
        try:
            granted, counted, left_ms, ends_ms = await self._backend.run(
                GRANT,
                _keys(allowance.stored, owed),
                need,
                more,
                allowance.limit,
                allowance.window_ms,
                b"1" if allowance.restarts else b"0",
                *(owed if owed.untold else ()),
            )
        finally:
            deadline.cancel()
            allowance.is_late = False
        used = self._tally.hear(allowance.stored, asked, counted, left_ms, owed)
        void = min(granted, max(0, used - allowance.limit))
        if void:
            granted -= void
            self._owed_back.append(Lease(allowance.stored, void, ends_ms))
            self._sweep_later()
        allowance.take_grant(granted, counted, left_ms, ends_ms, asked, now())
        if granted < need:
            allowance.shut_until = min(allowance.ends, ticks() + LOOK_AGAIN_S)

    def _answer_waiting(self, allowance: Allowance) -> None:
        """Give what was granted to those that wait, the first first; the rest is a lease."""
        waiting = allowance.waiting
        is_shut = allowance.shut_until > ticks()
        if allowance.slot >= 0:
            self._sheet.fill(allowance.slot, allowance.left, allowance.ends_ms)  # before any of it is used
        while waiting and (allowance.left > 0 or is_shut):
            verdict = waiting.popleft()
            if not verdict.done():  # its client may have gone
                verdict.set_result(self._admitted(allowance) if allowance.left > 0 else allowance.refused())
        if allowance.left > 0 or allowance.slot >= 0:
            self._keep(allowance)

    def _too_late(self, allowance: Allowance) -> None:
        allowance.is_late = True
        _fail(allowance, self._reach.late())

    def _admitted(self, allowance: Allowance) -> Verdict:
        verdict = allowance.verdict_of_one()
        self.use(allowance)
        return verdict

    # -- holding, and giving back

    def _keep(self, allowance: Allowance) -> None:
        """Write down what is in hand; without a place for it, it goes back."""
        is_known = self.find(allowance.name) is allowance  # not forgotten meanwhile
        if allowance.slot < 0 and is_known:
            allowance.slot = self._sheet.open(allowance.stored)
        if allowance.slot < 0:
            self._owed_back.append(Lease(allowance.stored, allowance.left, allowance.ends_ms))
            allowance.left = 0
        else:
            self._sheet.fill(allowance.slot, allowance.left, allowance.ends_ms)
            self._held[allowance.name] = allowance
            allowance.seen_left = -1
            allowance.refill_at = allowance.left // 2 if allowance.left >= REFILLED_FROM else -1
        self._sweep_later()

    def _close(self, allowance: Allowance) -> Lease:
        """Let go of a lease, and return what was not used of it."""
        lease = Lease(allowance.stored, allowance.left, allowance.ends_ms)
        allowance.left = 0
        self._sheet.close(allowance.slot)
        allowance.slot = -1
        self._held.pop(allowance.name, None)
        return lease

    def _sweep_later(self) -> None:
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        """Find leases that nobody uses."""
        self._sweeper = None
        moment = ticks()
        for allowance in list(self._held.values()):
            if allowance.asking:
                continue
            is_quiet = allowance.left == allowance.seen_left
            if is_quiet or moment - allowance.granted_ticks > KEPT_S or allowance.ends <= moment:
                self._owed_back.append(self._close(allowance))
            allowance.seen_left = allowance.left
        if not self._reach.is_hung:
            unused, self._owed_back = self._owed_back, []
            for one in unused:
                self._spawn(self._return_or_keep(one))
        if self._held or self._owed_back:
            self._sweep_later()

    async def _return_or_keep(self, lease: Lease) -> None:
        """Give back once: when nobody can know whether the store has taken it, it counts as used.

        Nobody waits for it, so it has all the time that its connection has: an answer that comes late tells, too.
        """
        try:
            await self._give_back(lease)
        except NotSent:  # the store may be back before the window ends
            is_open = lease.ends_ms < 0 or lease.ends_ms + LARGEST_SKEW_MS > now() * 1000
            if is_open and len(self._owed_back) < MOST_REMEMBERED:
                self._owed_back.append(lease)
                self._sweep_later()
        except StoreError:
            return

    async def _return(self, lease: Lease) -> None:
        await self._reach.ask(self._give_back(lease))

    async def _give_back(self, lease: Lease) -> None:
        if lease.unused > 0:
            asked = ticks()
            answer = await self._backend.run(GIVE_BACK, [lease.name], lease.unused, lease.ends_ms)
            is_open, counted, left_ms = answer
            if is_open:
                self._tally.hear(lease.name, asked, counted, left_ms)

    def _new(self, name: str, kind: type[Verdict]) -> Allowance:
        if len(self._all) >= MOST_REMEMBERED:
            kept = {one.name: one for one in self._all.values() if one.slot >= 0 or one.asking}
            self._all.clear()
            self._all.update(kept)
        allowance = self._all[name] = Allowance(name, stored_name(name, kind), kind)
        return allowance

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _keys(stored: str, owed: Owed) -> list[str]:
    """Return a counter's name, and the one where the store remembers what it was told of, if it has to be told."""
    told = beside(stored, names.TOLD) if owed.untold else ""
    return [stored, told] if told else [stored]


def _fail(allowance: Allowance, error: StoreError) -> None:
    while allowance.waiting:
        verdict = allowance.waiting.popleft()
        if not verdict.done():
            verdict.set_exception(type(error)(str(error)))
