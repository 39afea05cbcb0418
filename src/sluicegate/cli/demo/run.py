"""`sluicegate demo`: a cluster under traffic, and keys to hurt it."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from sluicegate.cli.demo.actions import Actions
from sluicegate.cli.demo.processes import NotStarted
from sluicegate.cli.demo.show import keyboard, picture, pressed, told
from sluicegate.cli.demo.site import KEYED, OPEN, Site
from sluicegate.cli.demo.stores import Store, make_store
from sluicegate.cli.demo.traffic import Traffic
from sluicegate.cli.status import draw

LOOK_S = 0.5
STEP_S = 2.0
CLEAR = "\x1b[2J"


def demo(nodes: int, seconds: float | None, script: str | None) -> int:
    """Run it until `q`, Ctrl-C, or its time is over; return the exit status: 0 if no request failed.

    script: keys, separated by commas, that are pressed one after the other; then it ends.
    """
    try:
        with site_of(nodes) as site, Traffic(site.urls, (OPEN, KEYED), site.key) as traffic:
            with keyboard(), suppress(KeyboardInterrupt):
                Demonstration(site, traffic, seconds, script).run()
            tally = traffic.tally
    except NotStarted as error:
        click.echo(str(error), err=True)
        return 1
    except KeyboardInterrupt:
        return 1
    click.echo("\n".join([told(tally), *tally.examples]))
    return 1 if tally.failed else 0


@contextmanager
def site_of(nodes: int, make_store: Callable[[Path], Store] = make_store) -> Iterator[Site]:
    """Start a cluster in a folder of its own, and leave nothing behind. Raises NotStarted."""
    signal.signal(signal.SIGTERM, _stop)
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="sluicegate-", ignore_cleanup_errors=True))
        )
        folder.chmod(0o755)  # nginx works as another user
        (folder / "store").mkdir()
        site = Site(folder, nodes, make_store(folder / "store"))
        stack.callback(site.close)
        click.echo(f"Starting {nodes} nodes, {site.store.name}, {site.front or 'no balancer'}", err=True)
        site.start()
        yield site


class Demonstration:
    """The loop: show, act on keys."""

    def __init__(self, site: Site, traffic: Traffic, seconds: float | None, script: str | None) -> None:
        self._site, self._traffic, self._actions = site, traffic, Actions(site)
        self._events: list[str] = []
        self._ends_at = time.monotonic() + seconds if seconds is not None else None
        self._script: list[str] = [*(script or "").replace(",", ""), "q"] if script is not None else []
        self._next_at = time.monotonic() + STEP_S
        self._started = time.monotonic()

    def run(self) -> None:
        """Go on until it is time to end."""
        is_seen = sys.stdout.isatty()
        if is_seen:
            click.echo(CLEAR, nl=False)
        while self._ends_at is None or time.monotonic() < self._ends_at:
            if is_seen:
                draw(picture(self._site, self._traffic.tally, self._events))
            key = self._from_script() or pressed(LOOK_S)
            if key == "q":
                return
            action = self._actions.by_key.get(key)
            if action is not None:
                self._tell(action(), is_seen=is_seen)

    def _from_script(self) -> str:
        """Return the next key of the script when it is due: once all nodes that should be are there again."""
        if not self._script or time.monotonic() < self._next_at:
            return ""
        if not self._actions.is_paused and not all(node.is_ready() for node in self._site.up()):
            return ""
        self._next_at = time.monotonic() + STEP_S
        return self._script.pop(0)

    def _tell(self, event: str, *, is_seen: bool) -> None:
        self._events.append(f"{time.monotonic() - self._started:6.1f} s  {event}")
        if not is_seen:
            click.echo(self._events[-1])


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """End on SIGTERM as on Ctrl-C."""
    raise KeyboardInterrupt
