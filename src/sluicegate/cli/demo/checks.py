"""`sluicegate verify`: what an operator wants to have seen before going live, each as one check under traffic."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sluicegate.cli.demo.actions import spread
from sluicegate.cli.demo.processes import NotStarted
from sluicegate.cli.demo.site import KEYED, Site
from sluicegate.cli.demo.stores import Sentinels
from sluicegate.cli.demo.traffic import Traffic

WATCH_S = 2.0
FAIL_OVER_LIMIT_S = 30.0
SETTLE_LIMIT_S = 30.0
LOOK_S = 0.1
UNKNOWN_KEY = "nobody-has-this-key"


@dataclass(frozen=True)
class Result:
    """What came of a check.

    seconds:  how long the part took that its name is about.
    requests, failed: of the traffic meanwhile.
    """

    name: str
    passed: bool
    seconds: float
    requests: int
    failed: int
    note: str


class Failed(Exception):
    """A check did not find what it should; the text says what it found."""


Check = Callable[[Site], tuple[float, str]]
"""Does something to a cluster, and returns how long it took, with a note. Raises Failed, OSError, NotStarted."""


def stop_a_node(site: Site) -> tuple[float, str]:
    """A node is told to end: it drains, and the traffic goes to the others."""
    node = site.nodes[-1]
    started = time.monotonic()
    node.stop()
    seconds = time.monotonic() - started
    time.sleep(WATCH_S)
    _bring_back(site)
    return seconds, "until it had drained and ended"


def kill_a_node(site: Site) -> tuple[float, str]:
    """A node is gone from one moment to the next."""
    node = site.nodes[-1]
    node.kill()
    time.sleep(WATCH_S)
    started = time.monotonic()
    _bring_back(site)
    return time.monotonic() - started, "until a new one served"


def change_configuration(site: Site) -> tuple[float, str]:
    """A definition is changed through one node, and all serve it."""
    slowest = 0.0
    for _ in range(5):
        seconds = spread(site, site.change())
        if seconds is None:
            raise Failed("it has not reached all nodes")
        slowest = max(slowest, seconds)
    _wait(lambda: (status := site.status()) is not None and status.converged, SETTLE_LIMIT_S, "the nodes do not agree")
    return slowest, "from the answer to the last node, the slowest of 5"


def lose_the_master(site: Site) -> tuple[float, str]:
    """The Redis that takes the writes is gone, and the Sentinels choose another."""
    assert isinstance(site.store, Sentinels)
    started = time.monotonic()
    site.store.lose_master()
    _wait(site.store.has_switched, FAIL_OVER_LIMIT_S, "the Sentinels chose no other")
    _wait(lambda: _can_change(site), FAIL_OVER_LIMIT_S, "nothing can be written")
    return time.monotonic() - started, "until all nodes served a change again"


def pause_redis(site: Site) -> tuple[float, str]:
    """Redis hangs: keys that were in use go on, others are told to come back, and nobody is told to be wrong."""
    seen = set()
    site.store.pause()
    try:
        until = time.monotonic() + WATCH_S
        while time.monotonic() < until:
            seen.add(_ask(site, UNKNOWN_KEY))
            time.sleep(LOOK_S)
    finally:
        site.store.resume()
    if seen & {401, 403}:
        raise Failed(f"an unknown key was answered with {sorted(seen)}")
    started = time.monotonic()
    _wait(lambda: _can_change(site), SETTLE_LIMIT_S, "nothing can be written")
    _wait(lambda: (status := site.status()) is not None and status.converged, SETTLE_LIMIT_S, "the nodes do not agree")
    return time.monotonic() - started, "from its return until all was well; unknown keys: " + ", ".join(
        map(str, sorted(seen))
    )


def checks_for(site: Site) -> list[tuple[str, Check]]:
    """Return the checks that this cluster can take, in an order in which one does not spoil the next."""
    checks: list[tuple[str, Check]] = [
        ("stop a node", stop_a_node),
        ("kill a node", kill_a_node),
        ("change the configuration", change_configuration),
    ]
    if isinstance(site.store, Sentinels):
        checks += [("lose the Redis master", lose_the_master), ("pause Redis", pause_redis)]
    return checks


def run_check(name: str, check: Check, site: Site, traffic: Traffic) -> Result:
    """Make one check under traffic: it is passed when it finds what it should and no request fails."""
    traffic.begin_anew()
    problem = ""
    try:
        seconds, note = check(site)
    except (Failed, OSError, NotStarted) as error:
        seconds, note, problem = 0.0, "", str(error) or repr(error)
    tally = traffic.begin_anew()
    if tally.failed and not problem:
        problem = tally.examples[0]
    return Result(name, not problem, round(seconds, 3), tally.asked, tally.failed, problem or note)


def _bring_back(site: Site) -> None:
    for node in site.nodes:
        if node.is_down:
            node.start()
    for node in site.nodes:
        node.wait()
    site.wait_known()


def _can_change(site: Site) -> bool:
    try:
        return spread(site, site.change()) is not None
    except OSError:
        return False


def _ask(site: Site, key: str) -> int:
    place = urlsplit(site.urls[0])
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        connection.request("GET", KEYED, headers={"Authorization": key})
        return connection.getresponse().status
    finally:
        connection.close()


def _wait(met: Callable[[], bool], limit_s: float, problem: str) -> None:
    until = time.monotonic() + limit_s
    while not met():
        if time.monotonic() > until:
            raise Failed(problem)
        time.sleep(LOOK_S)
