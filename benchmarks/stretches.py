"""How long a reload of many APIs holds a worker's event loop at a time.

    python -m benchmarks.stretches [--apis 1000 10000]

The parts of one worker load definitions, and load all of them again, changed, while a task takes every turn that it can
get: the processor time of this thread between two of its turns is a stretch in which no request would be served. Time
that other programs of the machine take does not count, as it does in what a client waits (`benchmarks.scale`).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import mmap
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.scale import write_definitions
from sluicegate.analytics.metrics import Layout
from sluicegate.assembly import GC_THRESHOLDS, Parts, Shared, loop_factory
from sluicegate.settings.load import load_settings
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.store_road import NodeMemory
from sluicegate.worker import Worker

LONGEST = 5
TARGET_PORT = 9


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--apis", type=int, nargs="+", default=[1, 1000, 10_000])
    asked = parser.parse_args(arguments)
    print(f"{'APIs':>6} {'reload CPU s':>13}  longest stretches, ms")
    for count in asked.apis:
        with tempfile.TemporaryDirectory() as name, asyncio.Runner(loop_factory=loop_factory()) as runner:
            cpu_s, stretches = runner.run(measure(Path(name), count))
        longest = sorted(stretches, reverse=True)[:LONGEST]
        print(f"{count:6} {cpu_s:13.2f}  {' '.join(f'{one * 1e3:.1f}' for one in longest)}", flush=True)
    return 0


async def measure(folder: Path, count: int) -> tuple[float, list[float]]:
    """Return the processor time of a reload of so many APIs, and that of each stretch of it, in seconds."""
    write_definitions(folder / "apps", count, TARGET_PORT, "first")
    conf = folder / "tyk.conf"
    own = {"store_path": str(folder / "store.db")}
    conf.write_text(json.dumps({"app_path": str(folder / "apps"), "sluicegate": own}))
    settings = load_settings(conf, {}).settings
    layout = Layout(settings.sluicegate.prometheus.max_apis)
    node = NodeMemory("node", SharedCounters(None), 1)
    parts = Parts.of(Shared(settings, layout, [mmap.mmap(-1, layout.size_bytes)], node), 0)
    worker = Worker(parts)
    parts.join(worker)
    parts.last_good.tell = lambda _changed: None  # as the first worker, which tells the supervisor
    gc.set_threshold(*GC_THRESHOLDS)
    await worker.configuration.load(may_empty=False)
    gc.collect()
    gc.freeze()
    write_definitions(folder / "apps", count, TARGET_PORT, "second")
    stretches: list[float] = []
    turns = asyncio.create_task(take_turns(stretches))
    await asyncio.sleep(0)
    began = time.thread_time()
    await worker.configuration.load(may_empty=False)
    cpu_s = time.thread_time() - began
    await asyncio.sleep(0)
    turns.cancel()
    await asyncio.gather(turns, return_exceptions=True)
    await parts.close()
    return cpu_s, stretches


async def take_turns(stretches: list[float]) -> None:
    """Note how much processor time passes between two turns, until cancelled."""
    before = time.thread_time()
    while True:
        await asyncio.sleep(0)
        now = time.thread_time()
        stretches.append(now - before)
        before = now


if __name__ == "__main__":
    sys.exit(main())
