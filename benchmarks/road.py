"""What the road costs without the kernel: a worker of real parts, whose sockets are lists.

    python -m benchmarks.road                 keyless
    python -m benchmarks.road --policy        with key, rate, quota and analytics
    python -m benchmarks.road --varied        with requests and answers that are never twice the same in a row
    python -m benchmarks.road --profile       and what each part and each function takes

A request goes in at the client's connection and comes out at the upstream's, its answer goes the other way. The figure
is CPU time of all threads; over real sockets the kernel's share comes on top (`make bench`).
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.contenders import session_of
from sluicegate.apidef import gojson
from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.session import Session
from sluicegate.assembly import Parts, Shared, loop_factory
from sluicegate.listener.connection import Connection
from sluicegate.listener.limits import limits_of
from sluicegate.listener.listener import Listener
from sluicegate.settings.model import Settings
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.upstream.peer import Peer
from sluicegate.worker import Worker

BATCH = 1000
BATCHES = 20
REPEATS = 5
RECORDER_S = 0.1
"""How long the recorder gets to work off a batch."""

TOKEN = "defaultroad"
PROFILED_FUNCTIONS = 30


class Wire:
    """A transport whose other side takes everything."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.write = self.sent.append

    def get_extra_info(self, name: str) -> Any:
        """Return where the other side is."""
        return ("127.0.0.1", 40000) if name == "peername" else None

    def close(self) -> None:
        """End."""

    abort = pause_reading = resume_reading = close


class Road:
    """A connection of a client, and one to an upstream, with a gateway between."""

    def __init__(self, parts: Parts, requests: Sequence[bytes], answers: Sequence[bytes]) -> None:
        self.parts, self.traffic = parts, list(zip(requests, answers, strict=True))
        listener = Listener(
            parts.loop,
            parts.serve,
            limits_of(parts.settings),
            parts.connection_counts,
            address="127.0.0.1",
            port=parts.settings.listen_port,
            control=None,
        )
        self.client, self.client_wire = Connection(listener), Wire()
        self.client.connection_made(self.client_wire)
        pool = parts.reloader.table.by_id["road"].upstream.only.pool
        self.peer, self.peer_wire = Peer(pool), Wire()
        self.peer.connection_made(self.peer_wire)
        pool.idle.append(self.peer)

    def pass_all(self) -> None:
        """Pass every request and its answer."""
        for request, answer in self.traffic:
            self.client.data_received(request)
            self.peer.data_received(answer)

    def see_that_it_passes(self) -> None:
        """End the program unless every request gets the upstream's answer."""
        self.pass_all()
        for wire in (self.client_wire, self.peer_wire):
            if len(wire.sent) != len(self.traffic):
                sys.exit(f"{len(self.traffic)} requests, {len(wire.sent)} sent, the last: {wire.sent[-1:]}")
        self.clear()

    def clear(self) -> None:
        """Forget what was sent."""
        self.client_wire.sent.clear()
        self.peer_wire.sent.clear()


async def make_parts(folder: Path, *, policy: bool) -> Parts:
    """Return the parts of a worker that serves one API."""
    tree: dict[str, Any] = {"sluicegate": {"store_path": str(folder / "store.db")}}
    if policy:
        tree |= {"enable_analytics": True, "hash_keys": True}
        tree["sluicegate"]["analytics_file"] = str(folder / "node.records")
    settings = msgspec.convert(tree, Settings)
    parts = Parts.of(Shared.of(settings, SharedCounters(None), 1), 0)
    parts.join(Worker(parts))
    keys = parts.services.keys
    await keys.write(keys.name_of(TOKEN), msgspec.convert(session_of("road"), Session))
    document = {
        "api_id": "road",
        "name": "Road",
        "org_id": "default",
        "use_keyless": not policy,
        "use_standard_auth": policy,
        "auth": {"auth_header_name": "Authorization"},
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
        "proxy": {"listen_path": "/road/", "target_url": "http://127.0.0.1:9/", "strip_listen_path": True},
    }
    definition = gojson.decode(json.dumps(document).encode(), APIDefinition)
    await parts.reloader.load([Api(definition, source="road.json", checksum="1")], [])
    return parts


def traffic(*, varied: bool) -> tuple[list[bytes], list[bytes]]:
    """Return requests and their answers: all alike, or all different."""
    requests, answers = [], []
    for number in range(BATCH):
        one = number if varied else 0
        body = b"x" * (187 + one)
        requests.append(
            b"GET /road/%d HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: wrk\r\nAccept: */*\r\n"
            b"Authorization: %b\r\nX-Request-Id: %08x\r\n\r\n" % (one, TOKEN.encode(), one)
        )
        answers.append(
            b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 01 Jan 2026 00:00:00 GMT\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n%b"
            % (len(body), body)
        )
    return requests, answers


async def measure(road: Road, profile: cProfile.Profile | None) -> float:
    """Return the CPU microseconds of an exchange, the best of some repeats."""
    best_s = float("inf")
    for _ in range(REPEATS):
        begun_s = time.process_time()
        for _ in range(BATCHES):
            if profile is not None:
                profile.runcall(road.pass_all)
            else:
                road.pass_all()
            road.clear()
            if road.parts.settings.enable_analytics:
                await asyncio.sleep(RECORDER_S)
        best_s = min(best_s, time.process_time() - begun_s)
    return 1e6 * best_s / (BATCH * BATCHES)


def shares(stats: pstats.Stats) -> list[tuple[str, float]]:
    """Return what share of the time each folder of the package takes; what it calls of Python's own counts as its."""
    spent: Counter[str] = Counter()
    for (file, _, _), (_, _, own_s, _, callers) in stats.stats.items():  # type: ignore[attr-defined]
        if part := part_of(file):
            spent[part] += own_s
        else:
            for (caller, _, _), (_, _, for_caller_s, _) in callers.items():
                spent[part_of(caller) or "benchmark"] += for_caller_s
    total_s = sum(spent.values())
    return [(part, part_s / total_s) for part, part_s in spent.most_common()]


def part_of(file: str) -> str:
    """Return the folder of the package that a file is in, or ""."""
    _, inside, path = file.rpartition("/sluicegate/")
    return path.partition("/")[0].removesuffix(".py") if inside else ""


async def run(args: argparse.Namespace) -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        parts = await make_parts(Path(folder), policy=args.policy)
        recording = asyncio.create_task(parts.recorder.run())
        road = Road(parts, *traffic(varied=args.varied))
        road.see_that_it_passes()
        profile = cProfile.Profile() if args.profile else None
        print(f"{await measure(road, profile):.2f} µs an exchange")
        if profile is not None:
            stats = pstats.Stats(profile)
            for part, share in shares(stats):
                print(f"{share:6.1%}  {part}")
            stats.sort_stats("tottime").print_stats(PROFILED_FUNCTIONS)
        recording.cancel()
        await asyncio.wait([recording])
        await parts.close()


def main() -> None:
    """Read the command line, and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", action="store_true", help="with key, rate, quota and analytics")
    parser.add_argument("--varied", action="store_true", help="no request is like the one before")
    parser.add_argument("--profile", action="store_true", help="what each function takes; the figure is then too high")
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
