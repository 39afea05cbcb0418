"""The 99th percentile at half load, of the proxies themselves and not of what else the machine does.

A percentile of milliseconds is easily that of the machine: another process is at work on the processor, or the
hypervisor has given it to somebody else. So while this is measured, all that takes part has real-time priority where
that is allowed, and the runs that count are those from which the hypervisor took the least ("steal" in proc(5)).
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import Contender
from benchmarks.processes import family, stolen_and_all_ticks

PRIORITY = 1  # the lowest that goes before everything ordinary
RUN_S = 2
RUNS_FOR_ONE = 5  # so many runs are made for each that counts


@dataclass(frozen=True)
class Tail:
    """The 99th percentile in ms, and the share of all processors' time that was stolen meanwhile."""

    p99_ms: float
    stolen: float


def tails(contenders: list[Contender], rate: float, rounds: int, connections: int, cpu: int) -> list[Tail]:
    """Return the medians of the least disturbed runs of each.

    Rate: requests a second. Rounds: how many runs count. Cpu: where h2load runs.
    """
    found: list[list[Tail]] = [[] for _ in contenders]
    with before_all_else():
        for _ in range(rounds * RUNS_FOR_ONE):
            for runs, one in zip(found, contenders, strict=True):
                runs.append(run(one, rate, connections, cpu))
    return [_median(sorted(runs, key=lambda tail: tail.stolen)[:rounds]) for runs in found]


@contextlib.contextmanager
def before_all_else() -> Iterator[None]:
    """Give this process and all that it started real-time priority, where that is allowed, until the block ends."""
    with contextlib.suppress(PermissionError):
        _schedule(os.SCHED_RR, PRIORITY)
    try:
        yield
    finally:
        _schedule(os.SCHED_OTHER, 0)


def run(one: Contender, rate: float, connections: int, cpu: int) -> Tail:
    """Ask at a steady rate for RUN_S seconds.

    Connections are opened a millisecond apart: were they all to ask at one moment, again and again, the percentile
    would be that of the last in a burst, at full load.
    """
    with tempfile.NamedTemporaryFile("r", prefix="h2load-") as log:
        command = ["taskset", "-c", str(cpu), "h2load", "--h1", f"-c{connections}", "-t1"]
        command += [f"-n{int(rate * RUN_S)}", "-r1", "--rate-period=1ms"]
        command += [f"--rps={rate / connections:.2f}", f"--log-file={log.name}"]
        for header in one.headers:
            command += ["-H", header]
        stolen_before, all_before = stolen_and_all_ticks()
        subprocess.run([*command, one.url], capture_output=True, check=True)
        stolen, ticks = stolen_and_all_ticks()
        took_us = sorted(int(line.split()[2]) for line in log)
    p99_ms = took_us[len(took_us) * 99 // 100] / 1e3 if took_us else float("nan")
    return Tail(p99_ms, (stolen - stolen_before) / (ticks - all_before))


def _median(runs: list[Tail]) -> Tail:
    return Tail(statistics.median(one.p99_ms for one in runs), statistics.median(one.stolen for one in runs))


def _schedule(policy: int, priority: int) -> None:
    for pid in family(os.getpid()):
        with contextlib.suppress(FileNotFoundError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))
