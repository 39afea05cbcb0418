"""Limits that the store is there for, and refuses to count: it is full, a counter is none, a right is missing.

The store is not away then, so nobody else says it; but limits are counted as if it were (`when_away`). What the workers
of a node are told is written down in memory that they share, and one of them says it: once when it begins, and once
when nothing was refused for QUIET_S. No counting costs more for it.
"""

from __future__ import annotations

import asyncio
import mmap
from collections.abc import Callable

from sluicegate.clock import ticks
from sluicegate.errors import StoreError
from sluicegate.store.redis.link import Refused

QUIET_S = 10.0
LOOK_S = 0.5
LAST, SINCE, LENGTH, REASON = range(4)
"""Words: when something was refused last, and since when the log says so (ticks, 0 is never); then the reason."""
REASON_BYTES = 256


class Refusals:
    """What the store refused to count. To be made before the first worker is started."""

    def __init__(self, quiet_s: float = QUIET_S) -> None:
        memory = mmap.mmap(-1, 8 * REASON + REASON_BYTES)
        self._bytes = memoryview(memory)
        self._words = self._bytes[: 8 * REASON].cast("q")
        self._times = self._bytes[: 8 * REASON].cast("d")  # the same words
        self._quiet_s = quiet_s

    def note(self, error: StoreError) -> None:
        """A limit could not be counted; whether the store has refused it is seen by the error."""
        if isinstance(error, Refused):
            text = str(error).encode()[:REASON_BYTES]
            self._bytes[8 * REASON : 8 * REASON + len(text)] = text
            self._words[LENGTH] = len(text)
            self._times[LAST] = ticks()

    @property
    def reason(self) -> str:
        """Why limits are refused these days, in the words of the store; "" when they are not."""
        if not self._times[LAST] or ticks() - self._times[LAST] > self._quiet_s:
            return ""
        return bytes(self._bytes[8 * REASON : 8 * REASON + self._words[LENGTH]]).decode("utf-8", "replace")

    async def watch(self, log: Callable[..., None], was_away_since: Callable[[float], bool]) -> None:
        """Tell of a beginning and an end, until cancelled: the work of one worker.

        was_away_since: whether the log tells of the store's absence at a moment or later, which is enough.
        """
        times = self._times
        while True:
            reason, moment = self.reason, ticks()
            if reason and not times[SINCE] and not was_away_since(times[LAST]):
                times[SINCE] = moment
                log("error", "Redis refuses to count limits", prefix="store", error=reason)
            elif times[SINCE] and not reason:
                log("info", "Redis counts limits again", prefix="store", refused_s=round(moment - times[SINCE], 1))
                times[SINCE] = 0.0
            await asyncio.sleep(LOOK_S)
