"""What can be done to a cluster on one machine, each with a line that says what was done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from sluicegate.cli.demo.nodes import Node
from sluicegate.cli.demo.processes import NotStarted
from sluicegate.cli.demo.site import Site

SPREAD_LIMIT_S = 10.0
LOOK_S = 0.005


class Actions:
    """The actions, by the keys that ask for them."""

    def __init__(self, site: Site) -> None:
        self._site, self.is_paused = site, False
        self.by_key: Mapping[str, Callable[[], str]] = {
            "k": self.kill,
            "r": self.revive,
            "p": self.pause_or_resume,
            "c": self.change,
        }

    def kill(self) -> str:
        """End the last node that is up by force, unless it is the only one."""
        up = self._site.up()
        if len(up) < 2:
            return "the last node stays"
        up[-1].kill()
        return f"{up[-1].name} killed"

    def revive(self) -> str:
        """Start a node that was killed."""
        down = [node for node in self._site.nodes if node.is_down]
        if not down:
            return "no node is down"
        down[0].start()
        return f"{down[0].name} starts"

    def pause_or_resume(self) -> str:
        """Let the store hang, or go on."""
        store = self._site.store
        if self.is_paused:
            store.resume()
            self.is_paused = False
            return f"{store.name} goes on"
        try:
            self._site.wait_known()
        except NotStarted:
            return "a node does not serve yet"
        self.is_paused = store.pause()
        return f"{store.name} hangs" if self.is_paused else f"{store.name} cannot be paused"

    def change(self) -> str:
        """Change a definition."""
        try:
            started = time.monotonic()
            version = self._site.change()
            written_s = time.monotonic() - started
            spread_s = spread(self._site, version)
        except OSError as error:
            return f"no change: {error}"
        if spread_s is None:
            return f"version {version} has not reached all nodes"
        return f"version {version} written in {written_s * 1000:.0f} ms, on all nodes {spread_s * 1000:.0f} ms later"


def spread(site: Site, version: int) -> float | None:
    """Return how many seconds it takes from now until every node that is up serves a version; None: too many."""
    started = time.monotonic()

    def wait(node: Node) -> bool:
        while not site.serves(node, version):
            if time.monotonic() - started > SPREAD_LIMIT_S:
                return False
            time.sleep(LOOK_S)
        return True

    up = [node for node in site.up() if node.is_ready()]
    with ThreadPoolExecutor(len(site.nodes)) as pool:
        have_all = all(list(pool.map(wait, up)))
    return time.monotonic() - started if have_all else None
