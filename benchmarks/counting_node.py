"""A node that only counts, as a process of its own: what `counting_nodes` starts, and talks to by its pipes.

It reads lines of JSON `{"name", "rate", "per_s", "clients", "seconds", "pace_s", "most"}`: so many clients ask the
limiter, one request after the other with a pause of `pace_s`, for so long or until `most` were asked; then it writes
how many were admitted and refused, and how many admissions belong to windows that end at the same time.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec
import uvloop

from sluicegate.settings.model import Settings
from sluicegate.store.limiter import Limiter
from sluicegate.store.limiters import Surroundings, make_limiter
from sluicegate.store.limiters.lease_sheet import BYTES
from sluicegate.store.limiters.refusals import Refusals
from sluicegate.store.limiters.tally import Tally
from sluicegate.store.reach import Reach
from sluicegate.store.redis import RedisBackend
from sluicegate.store.redis.options import RedisOptions
from sluicegate.store.servers import Servers
from sluicegate.store.shared_counters import SharedCounters


class CountingNodes:
    """Some nodes that share a Redis."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self.processes = processes

    def __len__(self) -> int:
        return len(self.processes)

    def ask(self, name: str, rate: float, per_s: float, **how: Any) -> list[dict[str, Any]]:
        """Have all of them count at the same time, and return what each says."""
        task = json.dumps({"name": name, "rate": rate, "per_s": per_s, **how})
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(task + "\n")
            process.stdin.flush()
        return [json.loads(process.stdout.readline()) for process in self.processes if process.stdout is not None]


@contextmanager
def counting_nodes(number: int, redis_port: int, settings: Mapping[str, Any]) -> Iterator[CountingNodes]:
    """Start nodes, and end them: they give back what they hold."""
    line = [sys.executable, "-m", "benchmarks.counting_node", str(redis_port), json.dumps(settings)]
    with ExitStack() as stack:
        processes = []
        for _ in range(number):
            process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.callback(process.wait)
            stack.callback(process.stdin.close)  # type: ignore[union-attr]
            processes.append(process)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield CountingNodes(processes)


async def _client(
    limiter: Any, task: Mapping[str, Any], ends: float, windows: Counter[float], total: Counter[str]
) -> None:
    while time.monotonic() < ends and total["asked"] < task.get("most", 1 << 60):
        total["asked"] += 1
        verdict = limiter.rate(task["name"], task["rate"], task["per_s"])
        if not hasattr(verdict, "allowed"):
            verdict = await verdict
        total["admitted" if verdict.allowed else "refused"] += 1
        if verdict.allowed:
            windows[round(verdict.reset_at_s * 2) / 2] += 1
        await asyncio.sleep(task.get("pace_s", 0))


def _limiter(backend: RedisBackend, settings: Mapping[str, Any]) -> Limiter:
    """Return the limiter that settings ask for."""
    made = msgspec.convert(settings, Settings)
    around = Surroundings(Reach(backend, 20.0), Servers("node"), mmap.mmap(-1, BYTES), Tally(), Refusals())
    return make_limiter(made, backend, SharedCounters(None), around)


async def _serve(port: int, settings: Mapping[str, Any]) -> None:
    backend = RedisBackend(RedisOptions((("127.0.0.1", port),)))
    limiter = _limiter(backend, settings)
    limiter.start()
    await backend.health()
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        task = json.loads(line)
        windows: Counter[float] = Counter()
        total: Counter[str] = Counter()
        ends = time.monotonic() + task["seconds"]
        await asyncio.gather(*(_client(limiter, task, ends, windows, total) for _ in range(task.get("clients", 1))))
        print(json.dumps({**total, "windows": sorted(windows.items())}), flush=True)
    await limiter.close()
    await backend.close()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), json.loads(sys.argv[2])))
