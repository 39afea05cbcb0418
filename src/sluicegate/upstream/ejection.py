"""Passive ejection: a target that cannot be reached is left out for a while (settings `sluicegate.ejection`).

    in use ── `failures` failed connections in a row ──► ejected for `base_s`, doubled each time, up to `max_s`
    ejected ── time is up ──► in use, on trial: one more failure ejects it again, one success clears its record

Invariants
- The last target that can take requests is never ejected: a bad one is better than none.
- The requests that met the failures went on to other targets (`upstream.dispatch`), so clients saw nothing of them.
- Time is only looked at when a target is chosen or fails; there is no timer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sluicegate.clock import ticks

if TYPE_CHECKING:
    from sluicegate.settings.own import Ejection
    from sluicegate.upstream.target import Target


class Ejector:
    """Keeps the records of the targets of one upstream.

    on_change: is called when a target was ejected or is back.
    """

    __slots__ = ("__weakref__", "_clock", "_on_change", "_settings", "_targets", "next_return")

    def __init__(
        self,
        settings: Ejection,
        targets: Sequence[Target],
        on_change: Callable[[], None],
        clock: Callable[[], float] = ticks,
    ) -> None:
        self._settings, self._targets, self._on_change, self._clock = settings, targets, on_change, clock
        self.next_return = math.inf
        """When the next ejection ends; infinity: nobody is ejected, and nobody needs to look at the clock."""

    def failed(self, target: Target) -> None:
        """A connection to this target could not be made."""
        target.failures += 1
        if target.failures < self._settings.failures or not self._settings.failures or target.ejected_until:
            return
        if not any(other.available for other in self._targets if other is not target):
            return
        pause_s = min(self._settings.base_s * 2.0 ** min(target.ejections, 62), self._settings.max_s)
        target.ejections += 1
        target.ejected_until = self._clock() + pause_s
        self._changed()

    def succeeded(self, target: Target) -> None:
        """A connection to this target was made."""
        target.failures = target.ejections = 0
        if target.ejected_until:
            target.ejected_until = 0.0
            self._changed()

    def release_due(self) -> None:
        """Bring back those whose time is up."""
        now = self._clock()
        if now < self.next_return:
            return
        for target in self._targets:
            if target.ejected_until and target.ejected_until <= now:
                target.ejected_until = 0.0
        self._changed()

    def _changed(self) -> None:
        self.next_return = min((t.ejected_until for t in self._targets if t.ejected_until), default=math.inf)
        self._on_change()
