"""Processes under measurement: started on one processor, asked what they have spent, ended."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sluicegate.cli.demo.processes import free_ports

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
START_LIMIT_S = 120.0
STOP_LIMIT_S = 10.0


class NotStartedError(Exception):
    """A process ended, or did not listen in time; the text is what it said last."""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on."""
    return free_ports([0])[0]


@contextlib.contextmanager
def pinned(
    cpu: int, command: Sequence[str], port: int, log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on one processor, from when it listens on the port. Raises NotStartedError."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(cpu), *command], stdout=output, stderr=output, env=os.environ | (environ or {})
        )
    try:
        wait_until_open(process, port, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_until_open(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when somebody listens on a port. Raises NotStartedError."""
    limit = time.monotonic() + START_LIMIT_S
    while process.poll() is None and time.monotonic() < limit:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise NotStartedError(f"{process.args!r} does not listen:\n{log.read_text(errors='replace')[-2000:]}")


def family(pid: int) -> list[int]:
    """Return a process and all its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    found, open_ends = [], [pid]
    while open_ends:
        one = open_ends.pop()
        found.append(one)
        open_ends += children.get(one, [])
    return found


def cpu_s(pid: int) -> float:
    """Return the user and system seconds spent so far by a process, its living descendants and its reaped children."""
    ticks = 0
    for one in family(pid):
        if stat := _stat(one):
            ticks += sum(map(int, stat[11:15] if one == pid else stat[11:13]))
    return ticks / TICKS_A_SECOND


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process and its descendants, shared pages counted in each."""
    pages = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{one}/statm").read_text().split()[1])
    return pages * PAGE_BYTES / 1e6


def stolen_and_all_ticks() -> tuple[int, int]:
    """Return the time of all processors so far: what the hypervisor gave to others, and all of it (proc(5))."""
    user, nice, system, idle, iowait, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]
    )
    return steal, user + nice + system + idle + iowait + irq + softirq + steal


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on (proc(5)); none when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
