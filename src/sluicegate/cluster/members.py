"""The nodes of a cluster, as they tell each other: one heartbeat each, in the store.

Theory. A heartbeat is a report under the node's own name with a time to live. How old it is, is told by how much of
that time is left: by the store's clock, so that it does not matter whether the nodes' clocks agree.

    age < LATE_S      as the node says
    age < LOST_S      `stale`: it should have been heard of
    else              `lost`, until FORGOTTEN_S after its last word

A node that ends in order takes its name off the list.

Each node reads what the others said, for when the store is away, and the more they are the less often: so what all of
them read together grows with their number, not with its square.
"""

from __future__ import annotations

import asyncio

import msgspec

from sluicegate.clock import now
from sluicegate.store import names
from sluicegate.store.backend import MISSING, Backend

STARTING, READY, DRAINING, STALE, LOST = "starting", "ready", "draining", "stale", "lost"

BEAT_S = 3.0
LATE_S = 7.0
LOST_S = 10.0
FORGOTTEN_S = 600.0
MOST_NODES = 1000
READ_A_BEAT = 10
"""How many heartbeats of others a node reads for each of its own, on average."""


class StoreReport(msgspec.Struct, frozen=True):
    """A node's store: `role` is that of the servers that take its writes, `topology` how servers belong together.

    masters:  addresses of the servers that take its writes; none where it has no servers.
    replicas: how many follow the master that has the fewest; None when that cannot be told.
    """

    kind: str = ""
    role: str = ""
    topology: str = ""
    reachable: bool = False
    latency_ms: float = 0.0
    error: str = ""
    masters: list[str] = []
    replicas: int | None = None


class Report(msgspec.Struct, frozen=True):
    """How a node is.

    address:        URL of its port for traffic.
    generation:     of the shared configuration that all its workers serve; 0: nothing is shared.
    digest:         of the documents in force; another than the store's where some were refused.
    lag_ms:         how long after it was written the last change was in force.
    last_reload:    when what is in force last changed.
    load:           share of its workers' processor time that is used, 0 to 1.
    error_rate:     share of requests that were answered with 5xx, 0 to 1.
    streams:        tunnels that are open, such as WebSockets.
    problems:       what keeps it from serving what the store holds, and what it does not serve of its own files.
    seen_s:         age of this report, in seconds.
    """

    id: str
    address: str
    version: str
    state: str
    uptime_s: float
    generation: int
    digest: str
    lag_ms: float
    last_reload: str
    store: StoreReport
    workers: int
    load: float
    error_rate: float
    requests_per_s: float
    memory_mb: float
    streams: int
    problems: list[str] = []
    seen_s: float = 0.0


class Members:
    """The list of nodes in a store."""

    def __init__(self, store: Backend) -> None:
        self._store = store

    async def beat(self, report: Report) -> None:
        """Say how a node is. Raises StoreError."""
        await asyncio.gather(
            self._store.set(names.heartbeat(report.id), msgspec.json.encode(report), FORGOTTEN_S),
            self._store.sorted_add(names.CLUSTER_NODES, report.id.encode(), now()),
        )

    async def leave(self, node_id: str) -> None:
        """Take a node off the list. Raises StoreError."""
        await self._store.delete(names.heartbeat(node_id))

    async def all(self) -> list[Report]:
        """Return what the nodes said last, by id, with the state that follows from when they said it.

        Raises StoreError.
        """
        # The list goes by the nodes' own clocks, which may differ; only what is long past is swept away.
        await self._store.sorted_remove(names.CLUSTER_NODES, 0, now() - 10 * FORGOTTEN_S)
        listed = await self._store.sorted_range(names.CLUSTER_NODES, 0, float("inf"))
        ids = sorted(member.decode("utf-8", "replace") for member, _ in listed[-MOST_NODES:])
        places = [names.heartbeat(one) for one in ids]
        if not places:
            return []
        raw, left = await asyncio.gather(
            self._store.mget(places), asyncio.gather(*(self._store.ttl_s(place) for place in places))
        )
        found = []
        for value, left_s in zip(raw, left, strict=True):
            report = _read(value)
            if report is not None and left_s != MISSING:
                found.append(aged(report, max(0.0, FORGOTTEN_S - left_s)))
        return found


def beats_between_looks(nodes: int) -> int:
    """Return at which of its own heartbeats a node looks at the others: at each, at every second, …"""
    return max(1, -(-nodes // READ_A_BEAT))


def aged(report: Report, age_s: float) -> Report:
    """Return a report with the state that its age means."""
    state = LOST if age_s >= LOST_S else STALE if age_s >= LATE_S else report.state
    return msgspec.structs.replace(report, state=state, seen_s=round(age_s, 1))


def _read(value: bytes | None) -> Report | None:
    if value is None:
        return None
    try:
        return msgspec.json.decode(value, type=Report)
    except msgspec.DecodeError:  # of a version that says it otherwise
        return None
