"""Several writers at once, killed and paused past their leases: a checker goes through all that they left behind."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cluster_writer import LEASE_S, TOTAL, count
from tests.shelves import opened, redis_at

from sluicegate.cluster.digest import digest_of, digest_text
from sluicegate.cluster.documents import Documents

WRITERS = ("w0", "w1", "w2", "w3")
RUN_S = float(os.environ.get("SLUICEGATE_WRITERS_S", "6"))
"""How long they write; the more, the more is found."""


class Writers:
    """Processes that write, and the mischief that is done to them."""

    def __init__(self, kind: str, folder: Path, port: int) -> None:
        self.kind, self.folder, self.port = kind, folder, port
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        words = [self.kind, str(self.folder), str(self.port), name, str(self.diary(name))]
        line = [sys.executable, "-m", "tests.cluster_writer", *words]
        self.running[name] = subprocess.Popen(line, cwd=Path(__file__).parents[2])

    def diary(self, name: str) -> Path:
        return self.folder / f"{name}.diary"

    def lines(self, name: str) -> list[list[str]]:
        return [line.split() for line in self.diary(name).read_text().splitlines()]

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running[name].wait()

    def pause(self, name: str, seconds: float) -> None:
        self.running[name].send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.running[name].send_signal(signal.SIGCONT)

    def do_mischief(self, until: float, redis: int) -> None:
        rng = random.Random(1)
        while time.monotonic() < until:
            name = rng.choice(WRITERS)
            match rng.choice(["kill", "pause", "pause", "store"]):
                case "kill":
                    self.kill(name)
                    self.start(name)
                case "pause":
                    self.pause(name, LEASE_S * rng.choice([0.5, 1.5]))
                case "store" if redis:
                    os.kill(redis, signal.SIGSTOP)
                    time.sleep(0.1)
                    os.kill(redis, signal.SIGCONT)
            time.sleep(rng.uniform(0.05, 0.3))


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_nothing_is_lost_torn_reordered_or_taken_twice(request, tmp_path, kind):
    redis = request.getfixturevalue("redis_server") if kind == "redis" else None
    port = redis.port if redis is not None else 0
    writers = Writers(kind, tmp_path, port)
    try:
        for name in WRITERS:
            writers.start(name)
        deadline = time.monotonic() + 40
        while not all(writers.diary(name).exists() for name in WRITERS) and time.monotonic() < deadline:
            time.sleep(0.05)
        writers.do_mischief(time.monotonic() + RUN_S, redis.process.pid if redis is not None else 0)
    finally:
        for name in writers.running:
            writers.kill(name)
    asyncio.run(check(writers))


async def check(writers: Writers) -> None:
    async with opened(writers.kind, writers.folder, redis_at(writers.port)) as shelf:
        documents = Documents(shelf)
        state = await documents.state()
        assert state.generation > 20, "they did write"
        heads = await documents.heads(range(1, state.generation + 1))
        assert [head.generation for head in heads] == list(range(1, state.generation + 1)), "no gap, none twice"
        tokens = [head.token for head in heads]
        assert tokens == sorted(set(tokens)), "each under a later token"
        for head in heads:
            assert {one.id for one in head.changes} == {"total", head.author}, "whole"
        assert await count(documents, TOTAL) == state.generation, "no count was lost"
        assert state.digest == digest_text(digest_of(await documents.index()))
        written = {name: [int(head.note) for head in heads if head.author == name] for name in WRITERS}
        for name in WRITERS:
            assert written[name] == sorted(set(written[name])), "in order, and each once"
            for what, number, *_ in writers.lines(name):
                if what == "done":
                    assert int(number) in written[name], "nothing that was confirmed is lost"
                elif what in ("refused", "failed"):
                    assert int(number) not in written[name], "nothing that was refused is there"
        pasts = await documents.past(range(state.generation, 0, -1))
        assert all(past is not None for past in pasts), "the way back is whole"
