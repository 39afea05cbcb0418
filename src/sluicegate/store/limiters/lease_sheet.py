"""Where a worker writes what it holds of leases, so that they are not lost with it.

Shared memory of one worker (`mmap.mmap(-1, BYTES)`, made before it is started), written by nobody else, so that nothing
has to be locked. When the worker is killed, the one that takes its place finds there what was not used, to the last
admission, and gives it back to the store. A slot is

    left | end of the window by the store's clock, ms | length of the name | the counter's name

and is free when nothing is left. Wherever a worker is killed, a slot says at most what was granted and is not used:
what is left is written last when a lease begins, and before a request goes on when one is used.
"""

from __future__ import annotations

import mmap
from typing import NamedTuple

SLOTS = 512
SLOT_WORDS = 64
LEFT, ENDS, LENGTH, NAME = range(4)
NAME_BYTES = 8 * (SLOT_WORDS - NAME)
BYTES = 8 * SLOTS * SLOT_WORDS


class Lease(NamedTuple):
    """Admissions of a counter that are not used yet, and the window they belong to."""

    name: str
    unused: int
    ends_ms: int


class LeaseSheet:
    """The leases of one worker. `cells[slot]` is what is left of the lease in a slot."""

    def __init__(self, memory: mmap.mmap) -> None:
        self.cells = memoryview(memory).cast("q")
        self._bytes = memoryview(memory)
        self._free = [slot * SLOT_WORDS for slot in reversed(range(SLOTS))]

    def inherit(self) -> list[Lease]:
        """Take what a worker left here that was killed."""
        found = []
        for slot in range(0, SLOTS * SLOT_WORDS, SLOT_WORDS):
            left, ends_ms, length = self.cells[slot : slot + NAME]
            if left > 0 and 0 < length <= NAME_BYTES:
                start = 8 * (slot + NAME)
                name = bytes(self._bytes[start : start + length]).decode("utf-8", "surrogateescape")
                found.append(Lease(name, left, ends_ms))
            self.cells[slot + LEFT] = 0
        return found

    @property
    def has_room(self) -> bool:
        """Return whether one more lease can be written down."""
        return bool(self._free)

    def open(self, name: str) -> int:
        """Return a free slot for a counter's lease, or -1 when there is none."""
        text = name.encode("utf-8", "surrogateescape")
        if not self._free or len(text) > NAME_BYTES:
            return -1
        slot = self._free.pop()
        start = 8 * (slot + NAME)
        self._bytes[start : start + len(text)] = text
        self.cells[slot + LENGTH] = len(text)
        return slot

    def fill(self, slot: int, left: int, ends_ms: int) -> None:
        """A lease begins, or there is more of it."""
        if self.cells[slot + ENDS] != ends_ms:
            self.cells[slot + LEFT] = 0
            self.cells[slot + ENDS] = ends_ms
        self.cells[slot + LEFT] = left

    def close(self, slot: int) -> None:
        """A lease is over."""
        self.cells[slot + LEFT] = 0
        self._free.append(slot)
