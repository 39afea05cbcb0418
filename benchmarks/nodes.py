"""What a node of a cluster costs while it has nothing to do: talk with the store, processor, memory.

    python -m benchmarks.nodes [--nodes 1 10 100] [--apis 1000] [--workers 1] [--seconds 60]

One real node is measured, over a line that counts what passes between it and Redis. The others are there as far as it
can see: each has a heartbeat and announces itself, by the same code and as often as a real one does.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.metered import MeteredLine, Traffic
from benchmarks.processes import cpu_s, rss_mb
from benchmarks.shared import fill, node, redis
from sluicegate.cluster.members import BEAT_S, READY, Members, Report, StoreReport
from sluicegate.settings.model import Settings
from sluicegate.settings.storage import StorageOptions
from sluicegate.store import names
from sluicegate.store.notices import SERVER_IS_THERE, Notice, sign
from sluicegate.store.redis import RedisBackend
from sluicegate.store.redis.options import redis_options
from sluicegate.store.servers import Servers

ANNOUNCED_EVERY_S = Settings().drl_notification_frequency
SETTLED_S = 15.0
"""Until the node has heard of all the others, and the collector has been through what a start leaves."""
STORE = StoreReport("redis", "master", "single", True, 0.4, "", ["10.0.0.100:6379"], 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--apis", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args(arguments)
    print("| nodes | commands/s | KB/s to Redis | KB/s from Redis | processor | memory | commands/s of all nodes |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for count in asked.nodes:
        with tempfile.TemporaryDirectory() as folder, redis() as port:
            print(asyncio.run(measured(Path(folder), port, count, asked)), flush=True)
    return 0


async def measured(folder: Path, port: int, count: int, asked: argparse.Namespace) -> str:
    """Return the line of the table for so many nodes."""
    await fill(port, asked.apis)
    async with others(port, count - 1):
        return await asyncio.to_thread(watch, folder, port, count, asked)


def watch(folder: Path, port: int, count: int, asked: argparse.Namespace) -> str:
    """Run the real node beside the others, and return what it took."""
    with MeteredLine(port) as line, node(folder / "node", line.port, asked.workers) as (process, _):
        time.sleep(SETTLED_S)
        before, spent = line.traffic, cpu_s(process)
        time.sleep(asked.seconds)
        used, spent = line.traffic.since(before), cpu_s(process) - spent
        memory_mb = rss_mb(process)
    return row(count, used, spent, memory_mb, asked.seconds)


def row(count: int, used: Traffic, spent_s: float, memory_mb: float, seconds: float) -> str:
    """Return a line of the table."""
    rate = used.commands / seconds
    cells = [str(count), f"{rate:.1f}", f"{used.sent / seconds / 1000:.1f}", f"{used.received / seconds / 1000:.1f}"]
    cells += [f"{spent_s / seconds:.1%}", f"{memory_mb:.0f} MB", f"{rate * count:.0f}"]
    return f"| {' | '.join(cells)} |"


@asynccontextmanager
async def others(port: int, count: int) -> AsyncIterator[None]:
    """Have so many nodes tell that they are there, until the block ends."""
    backend = RedisBackend(redis_options(StorageOptions(host="127.0.0.1", port=port)))
    told = [asyncio.ensure_future(work) for at in range(count) for work in (beats(backend, at), announces(backend, at))]
    yield
    for one in told:
        one.cancel()
    await asyncio.gather(*told, return_exceptions=True)
    await backend.close()


async def beats(backend: RedisBackend, number: int) -> None:
    """Be on the list of nodes."""
    members, address = Members(backend), f"http://10.0.0.{number}:8080"
    said = "2026-11-25T12:00:01.500Z"
    report = Report(
        f"node-{number}", address, "v0.1.0", READY, 1e5, 1, "0" * 32, 12.0, said, STORE, 2, 0.3, 0.0, 2000.0, 200.0, 10
    )
    while True:
        await members.beat(report)
        await asyncio.sleep(BEAT_S)


async def announces(backend: RedisBackend, number: int) -> None:
    """Be one of those that share the limits."""
    servers = Servers(f"node-{number}")
    while True:
        await backend.publish(names.NOTIFICATIONS, sign(Notice(SERVER_IS_THERE, servers.announcement()), ""))
        await asyncio.sleep(ANNOUNCED_EVERY_S)


if __name__ == "__main__":
    raise SystemExit(main())
