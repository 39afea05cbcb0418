"""What the workers of a node know together of the counters in the store, in memory that outlives each of them.

It is what `local` goes by while the store is away (`when_away`). What one worker was told by the store another was not:
if each went by its own, the node would admit more than is left. So what the store says is written down here before any
of it is used, and what is admitted without the store is counted here.

Theory. A hash table of fixed size. A slot is eight words:

    name, first half | name, second half | end of the window | counted | heard | admitted | told | account

    counted   what the store had counted in the window, with all leases in hand, whichever worker holds them
    heard     when that was written down. The answer to a question that was asked later is news, and takes its place,
              be it more or less (a lease went back, the counter began anew). Of an answer to one that was asked earlier
              nobody can say whether it was given before or after: then the larger counts, and the later end
    admitted  how many were admitted without the store, from when the slot was opened
    told      how many of them the store is known to have counted by now
    account   the number under which it is told: the store remembers how far an account was told (`grant.lua`), so
              however many workers tell, and whatever becomes of them or of the answers, it counts each one once

So `counted` is never less than what the store said last; and together with those admitted and not told it is all that
was used in the window, as far as this node can know. Times are `ticks`, which all processes of a machine share. A
window ends here when it has ended for certain; a lease does when it may have (`allowance`).

A name lives in the block of slots that its hash chooses. When that is full, a counter whose window has ended makes
room, else the one that was heard of longest ago among those that owe nothing. A block is changed under a lock that is
freed when its holder dies (`store.shared_locks`). By the order of writes below a slot then reads as free, or as it was
before the answer that was being written down, which nobody has used.
"""

from __future__ import annotations

import mmap
import secrets
from math import inf
from typing import NamedTuple

from sluicegate.clock import ticks
from sluicegate.store.shared_counters import name_hash
from sluicegate.store.shared_locks import LOCK_BYTES, Lock, SharedLocks, lock, recover, unlock

LOCKS = 64
HIGH, LOW, ENDS, COUNTED, HEARD, ADMITTED, TOLD, ACCOUNT = range(8)
SLOT_WORDS = 8
BLOCK_SLOTS = 16
BLOCK_WORDS = BLOCK_SLOTS * SLOT_WORDS
BLOCKS = 4096
"""Room for 65,536 counters, more than a node knows keys while the store is away; a page is taken when it is used."""
WAS_AWAY_WORD = LOCKS * LOCK_BYTES // 8
"""Whether anything was ever admitted without the store: before that, nothing can be owed."""
FIRST = WAS_AWAY_WORD + BLOCK_WORDS
PLACES = 4096
BYTES = 8 * (FIRST + BLOCKS * BLOCK_WORDS)
ACCOUNT_BITS = 62


class Owed(NamedTuple):
    """How many an account has that were admitted without the store, and how many of them it is known to be told of."""

    account: int
    admitted: int
    told: int

    @property
    def untold(self) -> int:
        return self.admitted - self.told


NOTHING = Owed(0, 0, 0)


class Tally:
    """Counters by their names in the store. To be made before the first worker is started."""

    def __init__(self) -> None:
        memory = mmap.mmap(-1, BYTES)
        locks = SharedLocks(memory, 0, LOCKS)
        locks.make()
        self._locks, self._lock_of = locks, locks.locks
        self._taken = locks.locks[0]
        self._places: dict[str, tuple[int, int, int, Lock]] = {}  # hash, slot and lock of names that were seen lately
        self._words = memoryview(memory).cast("q")
        self._times = memoryview(memory).cast("d")  # the same words

    def hear(self, name: str, asked: float, counted: int, left_ms: int, owed: Owed = NOTHING) -> int:
        """Write down what the store has answered to a question of the moment `asked` (ticks).

        counted, left_ms: of its window, as `grant.lua` returns them. owed: what it was told of.
        Returns how many are used in all. Where that is more than the limit, what was granted was admitted meanwhile
        without the store, and must not be used.
        """
        words, times = self._words, self._times
        slot = self._take(name)
        try:
            moment = ticks()
            ends = moment + left_ms / 1000 if left_ms >= 0 else inf
            if times[slot + ENDS] <= moment:
                self._open_account(slot)
            elif asked <= times[slot + HEARD]:
                counted, ends = max(counted, words[slot + COUNTED]), max(ends, times[slot + ENDS])
            words[slot + COUNTED] = counted
            times[slot + HEARD] = moment
            if owed.admitted > words[slot + TOLD] and owed.account == words[slot + ACCOUNT]:
                words[slot + TOLD] = owed.admitted  # after they are among those counted
            times[slot + ENDS] = ends  # last: only now a slot that was free is not any more
            return counted + words[slot + ADMITTED] - words[slot + TOLD]
        finally:
            unlock(self._taken)

    def owed(self, name: str) -> Owed:
        """Return what the store has to be told of a window that is still open."""
        words = self._words
        if not words[WAS_AWAY_WORD]:
            return NOTHING
        slot = self._take(name)
        try:
            if self._times[slot + ENDS] <= ticks():
                return NOTHING
            return Owed(words[slot + ACCOUNT], words[slot + ADMITTED], words[slot + TOLD])
        finally:
            unlock(self._taken)

    def admit(self, name: str, limit: int, window_ms: int, nodes: int) -> tuple[bool, int, float]:
        """Admit a request without the store, if this node's share of what is left is not used up: one of so many nodes.

        A window that nothing was heard of begins now; 0 never ends.
        Returns whether it is admitted, how many more may follow, and for how many seconds that holds, which may be inf.
        """
        words, times = self._words, self._times
        slot = self._take(name)
        try:
            moment = ticks()
            if times[slot + ENDS] <= moment:
                self._open_account(slot)
                words[slot + COUNTED] = 0
                times[slot + HEARD] = 0.0
                times[slot + ENDS] = moment + window_ms / 1000 if window_ms else inf
            room = limit - words[slot + COUNTED]
            left = max(1, room // nodes) - (words[slot + ADMITTED] - words[slot + TOLD]) if room > 0 else 0
            if left > 0:
                words[WAS_AWAY_WORD] = 1
                words[slot + ADMITTED] += 1
            return left > 0, max(0, left - 1), times[slot + ENDS] - moment
        finally:
            unlock(self._taken)

    def forget(self, name: str) -> None:
        """A counter begins anew."""
        self._times[self._take(name) + ENDS] = 0.0
        unlock(self._taken)

    def _take(self, name: str) -> int:
        """Take the lock of a name's block, and return the name's slot. The caller gives the lock back: `_taken`."""
        place = self._places.get(name)
        if place is None:
            high, low = name_hash(name)
            slot, mutex = FIRST + (low & BLOCKS - 1) * BLOCK_WORDS, self._lock_of[low & LOCKS - 1]
        else:
            high, low, slot, mutex = place
        result = lock(mutex)
        if result:
            recover(mutex, result)
        self._taken = mutex
        words = self._words
        if words[slot] != high or words[slot + LOW] != low:
            slot = self._find_or_claim(high, low)
            place = None
        if place is None:
            if len(self._places) >= PLACES:
                self._places.clear()
            self._places[name] = high, low, slot, mutex
        return slot

    def _open_account(self, slot: int) -> None:
        """A window begins, of which nothing is owed."""
        self._words[slot + ADMITTED] = self._words[slot + TOLD] = 0
        self._words[slot + ACCOUNT] = secrets.randbits(ACCOUNT_BITS)

    def _find_or_claim(self, high: int, low: int) -> int:
        words, first = self._words, FIRST + (low & BLOCKS - 1) * BLOCK_WORDS
        slots = range(first, first + BLOCK_WORDS, SLOT_WORDS)
        for slot in slots:
            if words[slot] == high and words[slot + LOW] == low:
                return slot
            if not words[slot]:  # was never used, and so is none behind it
                break
        else:
            slot = min(slots, key=self._worth)
        self._times[slot + ENDS] = 0.0
        words[slot + LOW] = low
        words[slot + HIGH] = high
        return slot

    def _worth(self, slot: int) -> tuple[bool, bool, float]:
        """Return what makes a slot worth keeping, the weightiest first."""
        is_open = self._times[slot + ENDS] > ticks()
        is_owing = self._words[slot + ADMITTED] > self._words[slot + TOLD]
        return is_open, is_open and is_owing, self._times[slot + HEARD]
