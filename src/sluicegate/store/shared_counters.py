"""Counters that all workers of a node share, in memory that outlives them.

Theory. A file beside the store is mapped into every worker, so counting is a few reads and writes of memory, and what
was counted survives the death of any process, or of all. The file is a hash table. A slot is 32 bytes, four words:

    name, first half | name, second half | end of the window, seconds since 1970 | count

The name is a 128-bit hash. A slot whose window has ended is free for any name. Slots come in blocks of 64; a name lives
in the block that its hash chooses, so a search never leaves a block. A block that is full makes the table grow: the
next, larger table lies behind the last one in the file, live slots are copied, and then one word, the level, says that
it counts. Tables are reserved on the disk before they are used, so a full disk never kills a process that writes to
one; a table that cannot grow gives up the counter whose window ends first.

A block is changed under its lock (`store.shared_locks`), which is freed when its holder dies; growing takes all locks.
Every order of writes below leaves a slot that reads as free or as right, wherever a process is killed. The locks are
made anew by whoever opens the file when nobody else has it open, so that a power cut leaves none behind that is taken.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmh3 import hash64

from sluicegate.clock import now
from sluicegate.errors import StoreError
from sluicegate.store.shared_locks import SharedLocks, lock, recover, take, unlock
from sluicegate.store.tokens import to_bytes

MAGIC = int.from_bytes(b"sluice\x00\x01", "little")

HEADER_WORDS = 1024
LOCKS_AT = 4096  # bytes
LOCKS = 64  # each block of every table belongs to one
MAGIC_WORD, LEVEL_WORD, GROWING_WORD, SESSIONS_WORD, SHARERS_WORD = range(5)
ALONE, SHARED = 1, 2
"""At SHARERS_WORD: whether one process counts, which then needs no locks, or several may."""

SLOT_WORDS = 4
BLOCK_SLOTS = 64
BLOCK_WORDS = BLOCK_SLOTS * SLOT_WORDS
TABLE_SLOTS = (1 << 15, 1 << 18, 1 << 22)
FILE_BYTES = 8 * (HEADER_WORDS + SLOT_WORDS * sum(TABLE_SLOTS))

PLACES = 16_384
TAKES_NOTICE_S = 0.01
"""How long the one that was alone may take to see that it is not any more: far longer than a count."""


class SharedCounters:
    """Counters by name, each for a window of time that begins with the first count."""

    def __init__(self, path: Path | None) -> None:
        """Open or make the file; no path is memory that only children of this process share. Raises StoreError."""
        self._fd, self._map, alone = _open(path) if path is not None else (-1, mmap.mmap(-1, FILE_BYTES), True)
        self._locks = SharedLocks(self._map, LOCKS_AT, LOCKS)
        if alone:
            self._locks.make()
        if self._fd >= 0:
            fcntl.flock(self._fd, fcntl.LOCK_SH)  # kept as long as it is open: somebody is here
        self._lock_of = self._locks.locks
        self._words = memoryview(self._map).cast("q")
        self._ends = memoryview(self._map).cast("d")  # the same words
        self._places: dict[str, tuple[int, int, int]] = {}  # hash and slot of names that were counted lately
        # Of a process that is alone: count, end of the window, cell, and end in whole seconds of each.
        self._mine: dict[str, Any] = {}
        self._use(self._words[LEVEL_WORD])
        self._words[SHARERS_WORD] = ALONE if alone else SHARED
        if not alone:
            time.sleep(TAKES_NOTICE_S)

    def share(self) -> None:
        """Several processes will count: to be called before the second of them is started."""
        self._words[SHARERS_WORD] = SHARED

    def count(self, name: str, window_s: float, ceiling: int) -> tuple[int, float]:
        """Count one, unless `ceiling` have been counted already in this window.

        Returns how many there were before, and when the window ends (seconds since 1970; inf when `window_s` is).
        """
        mine = self._mine.get(name)
        if mine is not None and self._words[SHARERS_WORD] == ALONE:
            before, end, cell, _ = mine
            if now() < end:
                if before < ceiling:
                    mine[0] = self._words[cell] = before + 1
                return before, end
        return self._count_locked(name, window_s, ceiling)

    def count_both(self, rate: str, ceiling: int, quota: str) -> tuple[int, int, int] | None:
        """Count one in two windows that are open, unless `ceiling` have been counted in the first.

        Returns how many there were before in each, -1 for the second where the first was full; and when the second
        ends, in whole seconds since 1970, 0 for never.
        None: nothing was counted, as more than two looks into memory of this process are needed; ask `count`.
        """
        mine, words = self._mine, self._words
        first, second = mine.get(rate), mine.get(quota)
        if first is None or second is None or words[SHARERS_WORD] != ALONE:
            return None
        moment = now()
        if moment >= first[1] or moment >= second[1]:
            return None
        rated = first[0]
        if rated >= ceiling:
            return rated, -1, second[3]
        used = second[0]
        first[0] = words[first[2]] = rated + 1
        second[0] = words[second[2]] = used + 1
        return rated, used, second[3]

    def _count_locked(self, name: str, window_s: float, ceiling: int) -> tuple[int, float]:
        try:
            high, low, slot = self._places[name]
        except KeyError:
            high, low = name_hash(name)
            slot = self._home(low)
        words, ends, mutex = self._words, self._ends, self._lock_of[low & LOCKS - 1]
        while True:
            result = lock(mutex)
            if result:
                recover(mutex, result)
            try:
                if words[LEVEL_WORD] != self._level:
                    self._use(words[LEVEL_WORD])
                    slot = self._home(low)
                if words[slot] != high or words[slot + 1] != low:
                    slot = self._find_or_claim(high, low)
                    self._remember(name, (high, low, slot))
                if slot:
                    end = ends[slot + 2]
                    moment = now()
                    before = words[slot + 3] if moment < end else 0
                    after = words[slot + 3] = min(before + 1, max(ceiling, before))
                    if moment >= end:
                        ends[slot + 2] = end = moment + window_s
                    self._keep_mine(name, after, end, slot + 3)
                    return before, end
            finally:
                unlock(mutex)
            self._make_room(low)
            slot = self._home(low)

    def _keep_mine(self, name: str, counted: int, end: float, cell: int) -> None:
        """As long as nobody else counts, remember a counter here: looking into shared memory costs more."""
        if self._words[SHARERS_WORD] == ALONE:
            if len(self._mine) >= PLACES:
                self._mine.clear()
            self._mine[name] = [counted, end, cell, int(end) if end != math.inf else 0]

    def peek(self, name: str) -> tuple[int, float]:
        """Return what has been counted in the window that is open now and when it ends; (0, 0.0) when none is open."""
        high, low = name_hash(name)
        with self._locked(low):
            slot = self._find(high, low)
            if slot and now() < self._ends[slot + 2]:
                return self._words[slot + 3], self._ends[slot + 2]
            return 0, 0.0

    def take(self, name: str) -> int:
        """End the window of a name, and return what had been counted in it; whoever asks next gets 0."""
        high, low = name_hash(name)
        self._mine.pop(name, None)
        with self._locked(low):
            slot = self._find(high, low)
            if not slot or now() >= self._ends[slot + 2]:
                return 0
            self._ends[slot + 2] = 0.0
            return self._words[slot + 3]

    def forget(self, name: str) -> None:
        """End the window of a name."""
        self.take(name)

    @property
    def stamps(self) -> memoryview:
        """Words that all workers see; at SESSIONS_WORD: a number that changes when a session was written."""
        return self._words

    def stamp_sessions(self) -> None:
        """Tell all workers that a session was written."""
        with self._locked(0):
            self._words[SESSIONS_WORD] += 1

    def close(self) -> None:
        """Let go of the file; what was counted stays."""
        self._words.release()
        self._ends.release()
        self._locks.close()
        self._map.close()
        if self._fd >= 0:
            os.close(self._fd)

    @contextmanager
    def _locked(self, low: int) -> Iterator[None]:
        mutex = self._lock_of[low & LOCKS - 1]
        take(mutex)
        try:
            if self._words[LEVEL_WORD] != self._level:
                self._use(self._words[LEVEL_WORD])
            yield
        finally:
            unlock(mutex)

    def _use(self, level: int) -> None:
        """Work with this table from now on."""
        self._places.clear()
        self._mine.clear()
        self._level, self._table = level, _table_start(level)
        self._last_block = TABLE_SLOTS[level] // BLOCK_SLOTS - 1

    def _remember(self, name: str, place: tuple[int, int, int]) -> None:
        if len(self._places) >= PLACES:
            self._places.clear()
        self._places[name] = place

    def _block(self, low: int) -> int:
        return self._table + (low & self._last_block) * BLOCK_WORDS

    def _home(self, low: int) -> int:
        """Return the slot of its block that a name is looked for in first."""
        return self._block(low) + (low >> 32 & BLOCK_SLOTS - 1) * SLOT_WORDS

    def _slots(self, low: int) -> Iterator[int]:
        """All slots of a name's block, its home first."""
        block, home = self._block(low), self._home(low)
        yield from range(home, block + BLOCK_WORDS, SLOT_WORDS)
        yield from range(block, home, SLOT_WORDS)

    def _find(self, high: int, low: int) -> int:
        """Return where a name's slot begins, or 0."""
        words = self._words
        for slot in self._slots(low):
            if not words[slot]:
                return 0
            if words[slot] == high and words[slot + 1] == low:
                return slot
        return 0

    def _find_or_claim(self, high: int, low: int) -> int:
        """Return a name's slot, or a free one made its own, or 0 when the block is full."""
        words, ends, moment = self._words, self._ends, now()
        free = 0
        for slot in self._slots(low):
            taken = words[slot]
            if taken == high and words[slot + 1] == low:
                return slot
            if not free and (not taken or ends[slot + 2] <= moment):
                free = slot
            if not taken:  # was never used, so the search for this name never went further
                break
        if free:
            ends[free + 2] = 0.0
            words[free + 1] = low
            words[free] = high
        return free

    def _make_room(self, low: int) -> None:
        """Give the block of a name a free slot: in a larger table, or by giving up a counter."""
        level = self._level
        with self._locks.all():
            if self._words[LEVEL_WORD] == level and not self._grow():
                block = self._block(low)
                soonest = min(range(block, block + BLOCK_WORDS, SLOT_WORDS), key=lambda slot: self._ends[slot + 2])
                self._ends[soonest + 2] = 0.0
            self._use(self._words[LEVEL_WORD])

    def _grow(self) -> bool:
        """Copy what is alive to the next table, and make that one count. Return whether there was room."""
        words, level, table = self._words, self._level + 1, self._table
        if level == len(TABLE_SLOTS) or not _reserve(self._fd, level):
            return False
        if words[GROWING_WORD] == level:  # somebody died over it
            self._map[8 * _table_start(level) : 8 * _table_start(level + 1)] = bytes(
                8 * SLOT_WORDS * TABLE_SLOTS[level]
            )
        words[GROWING_WORD] = level
        moment = now()
        ends = self._ends[table + 2 : _table_start(level) : SLOT_WORDS].tolist()
        self._use(level)
        for at, end in enumerate(ends):
            if end > moment:
                slot = table + at * SLOT_WORDS
                new = next((new for new in self._slots(words[slot + 1]) if not words[new]), 0)
                if new:
                    words[new : new + SLOT_WORDS] = words[slot : slot + SLOT_WORDS]
        words[LEVEL_WORD] = level
        return True


def name_hash(name: str) -> tuple[int, int]:
    """Return both halves of a name's hash; the first is never 0, which marks a slot that was never used."""
    high, low = hash64(to_bytes(name))  # as text, bytes of a token that are no UTF-8 would crash it
    return high or 1, low


def _table_start(level: int) -> int:
    return HEADER_WORDS + SLOT_WORDS * sum(TABLE_SLOTS[:level])


def _reserve(fd: int, level: int) -> bool:
    """Return whether there is room on the disk for a table, which is then set aside."""
    if fd < 0:
        return True
    try:
        os.posix_fallocate(fd, 8 * _table_start(level), 8 * SLOT_WORDS * TABLE_SLOTS[level])
    except OSError:
        return False
    return True


def _open(path: Path) -> tuple[int, mmap.mmap, bool]:
    """Return the file, its mapping, and whether nobody else has it open. It is locked as long as the answer is yes."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    try:
        alone = _flock_alone(fd)
        if alone:
            _prepare(fd, path)
        return fd, mmap.mmap(fd, FILE_BYTES), alone
    except OSError as error:
        os.close(fd)
        raise StoreError(f"{path}: {error.strerror}") from error
    except (StoreError, ValueError) as error:
        os.close(fd)
        raise StoreError(str(error)) from error


def _flock_alone(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(fd, fcntl.LOCK_SH)  # waits for one who prepares the file
        return False
    return True


def _prepare(fd: int, path: Path) -> None:
    """Make an empty file a table, or see that a file is one."""
    head = os.pread(fd, 16, 0)
    magic, level = int.from_bytes(head[:8], "little"), int.from_bytes(head[8:], "little")
    if magic not in (0, MAGIC) or level >= len(TABLE_SLOTS):
        raise StoreError(f"{path}: not a file of counters; move it away to begin with all limits unused")
    if os.fstat(fd).st_size < FILE_BYTES:
        os.ftruncate(fd, FILE_BYTES)  # a hole: takes no room before it is written to
    os.posix_fallocate(fd, 0, 8 * (HEADER_WORDS + SLOT_WORDS * TABLE_SLOTS[0]))
    os.pwrite(fd, MAGIC.to_bytes(8, "little"), 0)
