"""How this node shows itself to the others of its cluster, and what it sees of them.

Every worker can tell of the whole node, from the sheets that all workers count in; the first one tells the others,
every few seconds and when something has changed (`cluster.members`). Nothing of it is on the road.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from sluicegate.analytics.vitals import Vitals, VitalSigns
from sluicegate.clock import now, ticks
from sluicegate.cluster.documents import State
from sluicegate.cluster.members import (
    BEAT_S,
    DRAINING,
    LATE_S,
    READY,
    STALE,
    STARTING,
    Members,
    Report,
    StoreReport,
    beats_between_looks,
)
from sluicegate.cluster.status import Status, status_of, timestamp
from sluicegate.errors import ConfigError, StoreError
from sluicegate.store.redis.link import Refused

if TYPE_CHECKING:
    from sluicegate.worker import Worker

LOOK_S = 0.25
STORE_PATIENCE_S = 1.5
NO_ANSWER = "the store does not answer in time"
STALE_INTERVALS = 3
TWIN = "another node has the same name, at "
NOT_TAKEN = "the store has not taken the heartbeats of this node"
MOST_REFUSED = 2
"""Heartbeats in a row that are refused before it is said: a fail-over may refuse one."""
MOST_PROBLEMS = 20


class Presence:
    """This node, seen by one of its workers.

    node_id, address: see `cluster.identity`; started: when the node was, seconds since 1970.
    """

    def __init__(self, worker: Worker, signs: VitalSigns, node_id: str, address: str, started: float) -> None:
        self.worker, self._signs = worker, signs
        self.node_id, self.address, self.started = node_id, address, started
        self._members = Members(worker.store)
        self._seen: Sequence[Report] = ()
        self._store_is_away = False
        self._beats, self._twin = 0, ""
        self._refused, self._refusal = 0, ""
        worker.parts.metrics.watch("cluster_generation", lambda: self._own_generation)

    # -- heartbeats

    async def run(self) -> None:
        """Tell the others until cancelled; other workers than the first only tell the first."""
        parts = self.worker.parts
        said, due = None, 0.0
        while True:
            news = (self._state(), self.generation(), self._own_digest)
            if news != said:
                for _ in parts.metrics.publish():
                    await asyncio.sleep(0)
            if not parts.index and (news != said or ticks() >= due):
                due = ticks() + BEAT_S
                await self._beat()
            said = news
            await asyncio.sleep(LOOK_S)

    async def _beat(self) -> None:
        store = await self._store_report()
        try:
            async with asyncio.timeout(STORE_PATIENCE_S):
                if self._beats % beats_between_looks(len(self._seen)) == 0:
                    self._seen = await self._members.all()
                    self._look_for_twin()
                await self._members.beat(self._report(self._signs.read(), store))
        except Refused as error:
            self._note_refused(str(error))
        except (StoreError, TimeoutError):  # whoever talks to the store says that it is away
            pass
        else:
            self._beats += 1
            self._refused, self._refusal = 0, ""

    def _note_refused(self, reason: str) -> None:
        """The store is there and takes nothing from us: it is full, only to be read, or our user must not write."""
        self._refused, self._refusal = self._refused + 1, reason
        if self._refused == MOST_REFUSED:
            self.worker.services.log("error", "The store takes no heartbeats, others call this node lost", error=reason)

    def _look_for_twin(self) -> None:
        """Another address under the own name, after a heartbeat of our own, is that of another node."""
        said = next((one for one in self._seen if one.id == self.node_id), None)
        twin = said.address if self._beats and said is not None and said.address != self.address else ""
        if twin and not self._twin:
            self.worker.services.log("error", "Another node has the same name, set cluster.node_id", address=twin)
        self._twin = twin

    async def leave(self) -> None:
        """Tell the others that this node ends in order."""
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(STORE_PATIENCE_S):
                await self._members.leave(self.node_id)

    # -- the status

    async def status(self) -> Status:
        """Return how the cluster is; with the store away, what is known."""
        member = self.worker.member
        store = await self._store_report()
        if member is None:
            own = self._report(self._signs.read(), store)
            return status_of(State(), [own], shares=False)
        problem, state = store.error or "the store is away", member.follower.state
        if store.reachable:
            try:
                async with asyncio.timeout(STORE_PATIENCE_S):
                    state = await member.documents.state()
                    self._seen = await self._members.all()
                problem = ""
            except TimeoutError:
                problem = NO_ANSWER
            except (StoreError, ConfigError) as error:
                problem = str(error)
        others = [one for one in self._seen if one.id != self.node_id]
        said = next((one for one in self._seen if one.id == self.node_id), None)
        own = self._report(_vitals_of(said) if said is not None else self._signs.read(), store)
        if not problem:
            own = msgspec.structs.replace(own, problems=[*self._seen_of_own(said), *own.problems][:MOST_PROBLEMS])
        return status_of(state, sorted([*others, own], key=lambda one: one.id), problem)

    def _seen_of_own(self, said: Report | None) -> list[str]:
        """Return what is wrong with the heartbeats of this node, as any worker can see it in the store."""
        if now() - self.started < LATE_S:
            return []
        if said is None or said.seen_s >= LATE_S:
            return [f"{NOT_TAKEN}: {self._refusal}" if self._refusal else NOT_TAKEN]
        if not self.worker.parts.index:
            return []  # it remembers whom it has seen
        if said.address != self.address:
            return [f"{TWIN}{said.address}"]
        return [one for one in said.problems if one.startswith(TWIN)]

    # -- this node

    def generation(self) -> int:
        """Return the generation that all workers serve; one that is just being replaced serves nothing."""
        served = self._signs.each("cluster_generation")
        served[self.worker.parts.index] = self._own_generation
        return min((int(one) for one in served if one), default=0)

    @property
    def _own_generation(self) -> int:
        return self.worker.member.follower.generation if self.worker.member is not None else 0

    @property
    def _own_digest(self) -> str:
        return self.worker.member.follower.digest if self.worker.member is not None else ""

    def _state(self) -> str:
        worker = self.worker
        if worker.is_draining:
            return DRAINING
        if not worker.is_serving:
            return STARTING
        if worker.member is None:
            return READY
        follower = worker.member.follower
        patience_s = STALE_INTERVALS * max(BEAT_S, worker.settings.cluster.data_sync_interval)
        is_old = bool(follower.problem) and now() - follower.last_sync > patience_s
        return STALE if is_old or follower.is_from_snapshot or self._store_is_away else READY

    def _report(self, vitals: Vitals, store: StoreReport) -> Report:
        worker = self.worker
        follower = worker.member.follower if worker.member is not None else None
        return Report(
            id=self.node_id,
            address=self.address,
            version=worker.version,
            state=self._state(),
            uptime_s=round(now() - self.started, 1),
            generation=self.generation(),
            digest=self._own_digest,
            lag_ms=round(follower.lag_s * 1000, 1) if follower is not None else 0.0,
            last_reload=timestamp(worker.configuration.changed_at),
            store=store,
            workers=self._signs.workers,
            load=vitals.load,
            error_rate=vitals.error_rate,
            requests_per_s=vitals.requests_per_s,
            memory_mb=vitals.memory_mb,
            streams=vitals.streams,
            problems=self._problems()[:MOST_PROBLEMS],
        )

    def _problems(self) -> list[str]:
        if self.worker.member is None:
            return []
        follower = self.worker.member.follower
        problems = [f"{TWIN}{self._twin}"] if self._twin else []
        problems += [follower.problem] if follower.problem else []
        if follower.is_from_snapshot:
            problems.append("serving the snapshot of the shared configuration")
        problems += [f"{key} is refused: {error}" for key, error in sorted(follower.refused.items())]
        hidden = sorted(self.worker.configuration.hidden())
        problems += [f"{key} is in this node's files too, the cluster's is served" for key in hidden]
        return problems + self.worker.configuration.overruled()

    async def _store_report(self) -> StoreReport:
        store = self.worker.store
        try:
            async with asyncio.timeout(STORE_PATIENCE_S):
                health = await store.health()
        except TimeoutError:
            self._store_is_away = True
            return StoreReport(store.kind, error=NO_ANSWER)
        self._store_is_away = not health.reachable
        role = "master" if health.reachable else ""
        latency_ms = round(health.latency_s * 1000, 2)
        found = StoreReport(health.kind, role, health.topology, health.reachable, latency_ms, health.error)
        return await self._with_masters(found) if health.reachable else found

    async def _with_masters(self, found: StoreReport) -> StoreReport:
        masters = await self.worker.store.masters()
        counts = [one.replicas for one in masters if one.replicas is not None]
        replicas = min(counts) if counts and len(counts) == len(masters) else None
        role = "replica" if any(one.is_replica for one in masters) else found.role
        return msgspec.structs.replace(found, role=role, masters=[one.address for one in masters], replicas=replicas)


def _vitals_of(report: Report) -> Vitals:
    """Return what the first worker measured: the others do not measure all the time."""
    return msgspec.convert(report, Vitals, from_attributes=True)
