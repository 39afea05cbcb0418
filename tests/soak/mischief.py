"""Faults that begin at random and are over after a while; several at once, but one at a time for each that suffers."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.soak import clock
from tests.soak.history import Switch
from tests.soak.stores import Server
from tests.soak.writer import LEASE_S

if TYPE_CHECKING:
    from tests.soak.field import Field, Process

LONGEST_PAUSE_S = 0.4
LEAPS_S = (-86_400, -3600, -2, 2, 3600, 86_400)
BETWEEN_FAIL_OVERS_S = 15.0

Heal = Callable[[], bool]
"""Ends a fault; returns whether it is over, or has to be tried again later."""


@dataclass
class Fault:
    """A fault that is there: who suffers, when it is to end, and how."""

    victim: str
    due_s: float
    heal: Heal


class Mischief:
    """Chooses faults and ends them. counts: how many of each kind there were."""

    def __init__(self, field: Field, rng: random.Random) -> None:
        self.field, self.rng = field, rng
        self.counts: Counter[str] = Counter()
        self.switches: list[Switch] = []
        self._faults: list[Fault] = []
        self._next_s = self._next_fail_over_s = time.monotonic()
        self._kinds = self._possible()
        self._untried = list(dict.fromkeys(self._kinds))

    def _possible(self) -> list[Callable[[], bool]]:
        """Return what can be done here: each returns whether it was done, or everybody is suffering already."""
        kinds = [self._kill_writer, self._pause_writer, self._pause_writer]
        can_leap, can_cut = clock.library() is not None, self.field.network.can_cut
        if can_leap:
            kinds.append(self._leap_writer)
        if can_cut and self.field.store.servers:
            kinds += [self._cut_writer, self._cut_writer]
        if self.field.store.kind == "redis":
            kinds += [self._pause_store] + [self._cut_store] * can_cut
        if self.field.store.servers:
            kinds += [self._leap_store] * can_leap
        if self.field.store.sentinels:
            kinds.append(self._fail_over)
        return kinds

    def step(self) -> None:
        """End what is due, and now and then begin something."""
        self.heal_due(time.monotonic())
        if time.monotonic() >= self._next_s:
            kind = self.rng.choice(self._untried if self._untried and self.rng.random() < 0.5 else self._kinds)
            if kind() and kind in self._untried:
                self._untried.remove(kind)
            self._next_s = time.monotonic() + self.rng.uniform(0, LONGEST_PAUSE_S)

    @property
    def is_thorough(self) -> bool:
        """Whether there was a fault of every kind."""
        return not self._untried

    def heal_due(self, until_s: float) -> bool:
        """End all that is due by then; return whether nothing is left of that."""
        due = [one for one in self._faults if one.due_s <= until_s]
        for fault in due:
            if fault.heal():
                self._faults.remove(fault)
        return not any(one.due_s <= until_s for one in self._faults)

    def _begin(self, kind: str, victim: str, lasts_s: float, heal: Heal) -> None:
        self.counts[kind] += 1
        self._faults.append(Fault(victim, time.monotonic() + lasts_s, heal))

    def _writer(self) -> Process | None:
        """Return one to whom nothing is being done; None when there is none."""
        suffering = {one.victim for one in self._faults}
        well = [one for one in self.field.processes if one.name not in suffering]
        return self.rng.choice(well) if well else None

    def _kill_writer(self) -> bool:
        if (victim := self._writer()) is None:
            return False
        victim.kill()
        self._begin("killed", victim.name, self.rng.uniform(0, 0.5), lambda: done(victim.start))
        return True

    def _pause_writer(self) -> bool:
        if (victim := self._writer()) is None:
            return False
        victim.signal(signal.SIGSTOP)
        lasts_s = LEASE_S * self.rng.choice([0.5, 1.5, 4])
        kind = "paused" if lasts_s < LEASE_S else "paused past the lease"
        self._begin(kind, victim.name, lasts_s, lambda: done(lambda: victim.signal(signal.SIGCONT)))
        return True

    def _cut_writer(self) -> bool:
        if (victim := self._writer()) is None:
            return False
        self.field.network.cut(victim.host)
        lasts_s = self.rng.choice([0.1, 0.5, 2])
        self._begin("cut off", victim.name, lasts_s, lambda: done(lambda: self.field.network.join(victim.host)))
        return True

    def _leap_writer(self) -> bool:
        if (victim := self._writer()) is None:
            return False
        victim.clock.leap(self.rng.choice(LEAPS_S))
        self.counts["clock leapt"] += 1
        return True

    def _well_store(self) -> Server | None:
        suffers = any(one.victim == "store" for one in self._faults)
        return None if suffers else self.field.store.master()

    def _pause_store(self) -> bool:
        if (server := self._well_store()) is None:
            return False
        server.signal(signal.SIGSTOP)
        lasts_s = self.rng.choice([0.1, 0.5, 1.5])
        self._begin("store paused", "store", lasts_s, lambda: done(lambda: server.signal(signal.SIGCONT)))
        return True

    def _cut_store(self) -> bool:
        if (server := self._well_store()) is None:
            return False
        self.field.network.cut(server.host)
        lasts_s = self.rng.choice([0.1, 0.5, 1.5])
        self._begin("store cut off", "store", lasts_s, lambda: done(lambda: self.field.network.join(server.host)))
        return True

    def _leap_store(self) -> bool:
        if (server := self._well_store()) is None:
            return False
        server.clock.leap(self.rng.choice(LEAPS_S))
        self.counts["store's clock leapt"] += 1
        return True

    def _fail_over(self) -> bool:
        """Kill the master, hang it or cut it off until another has taken over."""
        if time.monotonic() < self._next_fail_over_s or not self.field.store.is_complete():
            return False
        if (server := self._well_store()) is None:
            return False
        kind = self.rng.choice(["killed", "paused"] + ["cut off"] * self.field.network.can_cut)
        began_s = time.monotonic()
        hurt, back = {
            "killed": (server.kill, server.start),
            "paused": (lambda: server.signal(signal.SIGSTOP), lambda: server.signal(signal.SIGCONT)),
            "cut off": (lambda: self.field.network.cut(server.host), lambda: self.field.network.join(server.host)),
        }[kind]
        hurt()
        back_s = 0.0

        def heal() -> bool:
            nonlocal back_s
            if not back_s and self.field.store.master() is not server:
                back()
                back_s = time.monotonic()
            if not back_s or not server.is_replica():
                return False
            self.switches.append(Switch(began_s, back_s))
            self._next_fail_over_s = time.monotonic() + self.rng.uniform(0, BETWEEN_FAIL_OVERS_S)
            return True

        self._begin(f"master {kind}", "store", 0, heal)
        return True


def done(act: Callable[[], None]) -> bool:
    """Do something, and say that it is over."""
    act()
    return True
