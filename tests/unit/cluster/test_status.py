"""Do the nodes agree: what follows from what each of them says."""

from __future__ import annotations

import msgspec

from sluicegate.clock import now
from sluicegate.cluster.documents import State
from sluicegate.cluster.members import DRAINING, LATE_S, LOST, LOST_S, READY, STALE, STARTING, Report, StoreReport, aged
from sluicegate.cluster.status import status_of, timestamp

FIRST, SECOND = "2026-11-25T12:00:00.000Z", "2026-11-25T12:00:01.500Z"


def node(name: str, state: str = READY, *, generation: int = 3, digest: str = "d3", reloaded: str = FIRST) -> Report:
    return Report(
        name, "http://n", "v0", state, 1.0, generation, digest, 5.0, reloaded, StoreReport(), 1, 0.0, 0.0, 0.0, 1.0, 0
    )


def store(at: float = 1_764_072_000.0) -> State:
    return State(cluster="c", generation=3, digest="d3", at=at)


def test_they_agree() -> None:
    found = status_of(store(), [node("a"), node("b", DRAINING, reloaded=SECOND)])
    assert (found.converged, found.generation, found.since, found.differs) == (True, 3, SECOND, [])


def test_one_is_behind_or_has_refused_something() -> None:
    found = status_of(store(now() - 2), [node("a"), node("b", generation=2, digest="d2"), node("c", digest="other")])
    assert (found.converged, found.differs) == (False, ["b", "c"])
    lags = {one.id: one.lag_ms for one in found.nodes}
    assert lags["b"] >= 2000 and lags["a"] == lags["c"] == 5.0


def test_those_that_do_not_serve_do_not_count() -> None:
    rest = [node("b", LOST, generation=1), node("c", STARTING, generation=0)]
    assert status_of(store(), [node("a"), *rest]).converged
    assert not status_of(store(), rest).converged, "nobody serves"


def test_with_the_store_away_nobody_knows() -> None:
    found = status_of(store(), [node("a")], "away")
    assert (found.converged, found.differs, found.problem) == (False, [], "away")


def test_a_node_without_a_cluster_agrees_with_itself() -> None:
    found = status_of(State(), [node("a", generation=0, digest="")], shares=False)
    assert (found.converged, found.differs, found.since) == (True, [], FIRST)


def test_what_the_age_of_a_heartbeat_means() -> None:
    assert [aged(node("a"), age).state for age in (0, LATE_S, LOST_S)] == [READY, STALE, LOST]
    assert aged(node("a"), 1.26).seen_s == 1.3


def test_a_report_survives_the_store() -> None:
    assert msgspec.json.decode(msgspec.json.encode(node("a")), type=Report) == node("a")


def test_times() -> None:
    assert (timestamp(0), timestamp(0.25)) == ("", "1970-01-01T00:00:00.250Z")
