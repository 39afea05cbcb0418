"""What `sluicegate verify` does to a scratch cluster: nodes and Redis are killed under traffic."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from sluicegate.cli.demo.actions import spread
from sluicegate.cli.demo.site import KEYED, Site
from sluicegate.cli.demo.stores import Sentinels
from sluicegate.cli.verify.report import LOOK_S, Failed, NotTested, wait

WATCH_S = 2.0
FAIL_OVER_LIMIT_S = 30.0
SETTLE_LIMIT_S = 30.0
UNKNOWN_KEY = "nobody-has-this-key"

SiteCheck = Callable[[Site], tuple[float, str]]
"""Does something to a cluster, and returns how long it took, with a note. See `report.Check`."""


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
    wait(lambda: (status := site.status()) is not None and status.converged, SETTLE_LIMIT_S, "the nodes do not agree")
    return slowest, "from the answer to the last node, the slowest of 5"


def lose_the_master(site: Site) -> tuple[float, str]:
    """The Redis that takes the writes is gone, and the Sentinels choose another."""
    store = _redis_of(site)
    started = time.monotonic()
    store.lose_master()
    wait(store.has_switched, FAIL_OVER_LIMIT_S, "the Sentinels chose no other")
    wait(lambda: _can_change(site), FAIL_OVER_LIMIT_S, "nothing can be written")
    return time.monotonic() - started, "until all nodes served a change again"


def pause_redis(site: Site) -> tuple[float, str]:
    """Redis hangs: keys that were in use go on, others are told to come back, and nobody is told to be wrong."""
    seen, store = set(), _redis_of(site)
    store.pause()
    try:
        until = time.monotonic() + WATCH_S
        while time.monotonic() < until:
            seen.add(_ask(site, UNKNOWN_KEY))
            time.sleep(LOOK_S)
    finally:
        store.resume()
    if seen & {401, 403}:
        raise Failed(f"an unknown key was answered with {sorted(seen)}")
    started = time.monotonic()
    wait(lambda: _can_change(site), SETTLE_LIMIT_S, "nothing can be written")
    wait(lambda: (status := site.status()) is not None and status.converged, SETTLE_LIMIT_S, "the nodes do not agree")
    return time.monotonic() - started, "from its return until all was well; unknown keys: " + ", ".join(
        map(str, sorted(seen))
    )


def checks_for(site: Site) -> list[tuple[str, SiteCheck]]:
    """Return the checks, in an order in which one does not spoil the next."""
    return [
        ("stop a node", stop_a_node),
        ("kill a node", kill_a_node),
        ("change the configuration", change_configuration),
        ("lose the Redis master", lose_the_master),
        ("pause Redis", pause_redis),
    ]


def _redis_of(site: Site) -> Sentinels:
    if not isinstance(site.store, Sentinels):
        raise NotTested("redis-server and redis-cli are not installed on this machine")
    return site.store


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
