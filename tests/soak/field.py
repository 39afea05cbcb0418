"""Writers and readers on hosts around a store, from their first write to the verdict on all that they did."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.gateway import until
from tests.soak.checker import Verdict, check
from tests.soak.clock import Clock
from tests.soak.history import ANSWERED, History, read_diaries, read_store
from tests.soak.mischief import Mischief
from tests.soak.network import Host, Network
from tests.soak.stores import PATIENCE_S, Place, Store

from sluicegate.cluster.documents import Documents

ROOT = Path(__file__).parents[2]
LOOK_S = 0.02
COUNT_EVERY_S = 0.5


class Process:
    """A writer or a reader on a host of its own."""

    def __init__(self, host: Host, program: str, place: Place, diary: Path, clock: Clock) -> None:
        self.name, self.host, self.diary, self.clock = host.name, host, diary, clock
        self._line = [*host.enter, sys.executable, "-m", f"tests.soak.{program}", str(place), host.name, str(diary)]
        self.start()

    def start(self) -> None:
        """Start it, to go on where it was."""
        environment = {**os.environ, **self.clock.environment}
        self._process = subprocess.Popen(self._line, cwd=ROOT, env=environment)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once."""
        self.signal(signal.SIGKILL)
        self._process.wait()

    def lines(self) -> int:
        """Return how much its diary tells: of a writer, writes that were answered; of a reader, generations."""
        if not self.diary.exists():
            return 0
        said = self.diary.read_bytes()
        return said.count(ANSWERED.encode()) if self.diary.suffix == ".calls" else said.count(b"\n")


@dataclass
class Result:
    """What a run came to."""

    history: History
    verdict: Verdict
    faults: Counter[str]
    took_s: float
    outcomes: Counter[str] = field(default_factory=Counter)


class Field:
    """All of it. processes: writers and readers."""

    def __init__(self, kind: str, folder: Path, network: Network, writers: int, readers: int) -> None:
        self.folder, self.network = folder, network
        self._open = ExitStack()
        self._open.callback(network.close)
        self.store = Store(kind, folder, network)
        self._open.callback(self.store.close)
        self.processes: list[Process] = []
        for number in range(writers):
            self._add(f"writer{number}", "writer", "calls")
        for number in range(readers):
            self._add(f"reader{number}", "reader", "readings")

    def _add(self, name: str, program: str, suffix: str) -> None:
        # Whoever shares a file is on one machine, which has one clock.
        clock = Clock(self.folder / f"{name if self.store.servers else 'machine'}.clock")
        diary = self.folder / f"{name}.{suffix}"
        made = Process(self.network.host(name), program, self.store.place, diary, clock)
        self._open.callback(made.kill)
        self.processes.append(made)

    def answered(self) -> int:
        """Return how many writes were answered."""
        return sum(one.lines() for one in self.processes if one.diary.suffix == ".calls")

    async def run(self, writes: int, rng: random.Random, say: Callable[[str], None]) -> Result:
        """Do mischief of every kind until so many writes were answered, see that all is well again after it, and judge.

        Raises AssertionError when it does not get well.
        """
        until(lambda: all(one.lines() for one in self.processes), "everybody has begun", PATIENCE_S)
        began_s = time.monotonic()
        mischief = Mischief(self, rng)
        self._let_them_write(writes, mischief, say)
        took_s = time.monotonic() - began_s
        until(lambda: mischief.heal_due(float("inf")), "all faults end", PATIENCE_S)
        self._await_recovery()
        for one in self.processes:
            one.kill()
        history = read_diaries(one.diary for one in self.processes)
        history.switches = mischief.switches
        async with self.store.place.opened() as shelf:
            await read_store(Documents(shelf), history)
        outcomes = Counter(call.outcome for call in history.calls)
        return Result(history, check(history), mischief.counts, took_s, outcomes)

    def _let_them_write(self, writes: int, mischief: Mischief, say: Callable[[str], None]) -> None:
        count_s = time.monotonic()
        while True:
            mischief.step()
            if time.monotonic() >= count_s:
                count_s = time.monotonic() + COUNT_EVERY_S
                answered = self.answered()
                say(f"{answered} of {writes}")
                if answered >= writes and mischief.is_thorough:
                    return
            time.sleep(LOOK_S)

    def _await_recovery(self) -> None:
        """Wait until everybody has got on again."""
        before = {one.name: one.lines() for one in self.processes}
        for one in self.processes:
            until(lambda one=one: one.lines() > before[one.name] + 1, f"{one.name} gets well", PATIENCE_S)

    def close(self) -> None:
        """End everything."""
        self._open.close()
