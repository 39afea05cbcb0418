"""What `sluicegate verify` looks for in a cluster that is there, and does to it by the admin API alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from sluicegate.cli.verify.report import LOOK_S, Failed, NotTested, wait
from sluicegate.cli.verify.specimen import PATH, UNLIMITED, Specimen
from sluicegate.cli.verify.target import Target, is_there, look
from sluicegate.cluster.members import READY, Report
from sluicegate.cluster.status import Status

ROUNDS = 5
SPREAD_LIMIT_S = 10.0
AGREE_LIMIT_S = 5.0
SETTLE_LIMIT_S = 30.0
SPREAD_LOOK_S = 0.005
LIMIT, ASKED, LIMITED_S = 20, 50, 600
"""How many requests the keys are allowed that limits are tried with, how many are made, and the time for that: so long
that a bucket does not fill up again while they are made."""
LIMITS: Mapping[str, Mapping[str, Any]] = {
    "rate": {**UNLIMITED, "rate": LIMIT, "per": LIMITED_S},
    "quota": {**UNLIMITED, "quota_max": LIMIT, "quota_renewal_rate": LIMITED_S},
}
TO_FAIL_OVER = ("sentinel", "cluster")


@dataclass
class Trial:
    """A cluster that is tried.

    places: URLs of the nodes' ports for traffic.
    front:  URL of the balancer before them, "" if there is none.
    """

    target: Target
    specimen: Specimen
    front: str
    places: list[str] = field(default_factory=list)


def members_agree(trial: Trial) -> tuple[float, str]:
    """Every node is well, and serves what the others serve."""
    started = time.monotonic()
    while (trouble := _trouble(trial.target.status())) and time.monotonic() - started < AGREE_LIMIT_S:
        time.sleep(LOOK_S)
    if trouble:
        raise Failed(trouble)
    seen = trial.target.statuses()
    if len({tuple(one.id for one in status.nodes) for status in seen}) > 1:
        raise Failed("the nodes that --url names do not all see the same nodes: they are not one cluster")
    trial.places = trial.target.places(seen[0].nodes)
    trial.target.find_others(seen[0].nodes)
    return time.monotonic() - started, f"{_counted(len(seen[0].nodes), 'node')}, generation {seen[0].generation}"


def stores_can_fail_over(trial: Trial) -> tuple[float, str]:
    """Every node reaches the store, the same one, and that has a replica to fail over to."""
    nodes = [one for one in trial.target.status().nodes if is_there(one)]
    for one in nodes:
        if not one.store.reachable or one.store.error:
            raise Failed(f"{one.id} does not reach all of its store: {one.store.error}")
    store, slowest_s = nodes[0].store, max(one.store.latency_ms for one in nodes) / 1000
    if store.topology not in TO_FAIL_OVER:
        raise NotTested(f"the store is a single one ({store.topology or store.kind}): nothing would take over")
    if len({tuple(one.store.masters) for one in nodes}) > 1:
        raise Failed("; ".join(f"{one.id} writes to {', '.join(one.store.masters)}" for one in nodes))
    fewest = [one.store.replicas for one in nodes if one.store.replicas is not None]
    if len(fewest) < len(nodes):
        raise NotTested("the masters do not tell of replicas: the store's user needs INFO")
    if not min(fewest):
        raise Failed(f"a master has no replica to take over; masters: {', '.join(store.masters)}")
    masters = _counted(len(store.masters), "master")
    return (
        slowest_s,
        f"{store.topology}, {masters}, {_counted(min(fewest), 'replica')} each at least; the slowest answer",
    )


def add_an_api(trial: Trial) -> tuple[float, str]:
    """An API and a key that were not there are served by every node, and through the balancer."""
    specimen = trial.specimen
    specimen.write()
    specimen.key = specimen.make_key(UNLIMITED)
    seconds = _spread(trial, f"{specimen.version}")
    if trial.front:
        wait(lambda: _serves(trial, trial.front), SPREAD_LIMIT_S, f"{trial.front}{PATH} does not lead to the nodes")
    return seconds, "and a key for it, on all nodes" + (" and through the balancer" if trial.front else "")


def change_configuration(trial: Trial) -> tuple[float, str]:
    """The API is changed through one node, and all serve it."""
    slowest = 0.0
    for _ in range(ROUNDS):
        slowest = max(slowest, _spread(trial, f"{trial.specimen.write()}"))
    wait(lambda: trial.target.status().converged, SETTLE_LIMIT_S, "the nodes do not agree")
    return slowest, f"from the answer to the last node, the slowest of {ROUNDS}"


def keys_are_shared(trial: Trial) -> tuple[float, str]:
    """A key that one node makes is known to all, and when one removes it, to none."""
    key = trial.specimen.make_key(UNLIMITED)
    made_s = _until_all(trial, lambda place: look(place, PATH, key)[0] == 200, "does not know a new key")
    trial.specimen.remove_key(key)
    gone_s = _until_all(trial, lambda place: look(place, PATH, key)[0] in (401, 403), "takes a key that was removed")
    return max(made_s, gone_s), f"made: {made_s * 1000:.0f} ms, removed: {gone_s * 1000:.0f} ms, to the last node"


def limits_are_shared(trial: Trial) -> tuple[float, str]:
    """What a key may be used is what it may be used on all nodes together."""
    started = time.monotonic()
    found = []
    for name, limits in LIMITS.items():
        key = trial.specimen.make_key(limits)
        try:
            answers = Counter(look(place, PATH, key)[0] for place in _in_turn(trial.places, ASKED))
        except TimeoutError:
            raise NotTested("requests over a limit are not refused, but wait: a leaky bucket is set") from None
        if answers[200] > LIMIT:
            raise Failed(f"a {name} of {LIMIT} admitted {answers[200]} over all nodes: see which limiter is set")
        if answers[200] < LIMIT:
            raise Failed(f"a {name} of {LIMIT} admitted {answers[200]}: {dict(answers)}")
        found.append(name)
    nodes = _counted(len(trial.places), "node")
    return time.monotonic() - started, f"{' and '.join(found)}: {LIMIT} of {ASKED} were admitted, over {nodes}"


def remove_it_again(trial: Trial) -> tuple[float, str]:
    """Nothing is left of it, on any node."""
    started = time.monotonic()
    trial.specimen.remove()
    _until_all(trial, lambda place: look(place, PATH, trial.specimen.key)[0] == 404, "still serves the API")
    return time.monotonic() - started, "the API and its keys are gone from all nodes"


def served_after_a_change(trial: Trial) -> bool:
    """Return whether a change can be made, and reaches all nodes."""
    try:
        _spread(trial, f"{trial.specimen.write()}")
    except (OSError, Failed):
        return False
    return True


def whole(status: Status) -> bool:
    """Return whether every node is well, and serves what the others serve."""
    return not _trouble(status)


def _trouble(status: Status) -> str:
    """Return what is wrong with a cluster; "" if nothing."""
    if status.problem:
        return status.problem
    for one in status.nodes:
        if one.state != READY:
            return f"{one.id} is {one.state}: {_why(one)}"
    return "" if status.converged else f"{', '.join(status.differs)} serve something else: {_why_any(status)}"


def _why(node: Report) -> str:
    return "; ".join(node.problems) or f"last heard of {node.seen_s:.0f} s ago"


def _why_any(status: Status) -> str:
    return "; ".join(problem for one in status.nodes for problem in one.problems)


def _spread(trial: Trial, version: str) -> float:
    """Return how many seconds it takes from now until every node serves a version. Raises Failed."""
    return _until_all(trial, lambda place: _serves(trial, place), f"does not serve version {version}")


def _serves(trial: Trial, place: str) -> bool:
    return trial.specimen.served(place) == trial.specimen.version


def _until_all(trial: Trial, met: Callable[[str], bool], problem: str) -> float:
    """Return how many seconds it takes from now until something is true of every node. Raises Failed."""
    started = time.monotonic()

    def wait_for(place: str) -> str:
        why = problem
        while time.monotonic() - started < SPREAD_LIMIT_S:
            try:
                if met(place):
                    return ""
                why = problem
            except OSError as error:
                why = f"cannot be reached ({error}); if its address is another one here, name all nodes by --url"
            time.sleep(SPREAD_LOOK_S)
        return f"{place} {why}"

    with ThreadPoolExecutor(len(trial.places)) as pool:
        problems = [one for one in pool.map(wait_for, trial.places) if one]
    if problems:
        raise Failed("; ".join(problems))
    return time.monotonic() - started


def _in_turn(places: Sequence[str], times: int) -> list[str]:
    return [places[number % len(places)] for number in range(times)]


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
