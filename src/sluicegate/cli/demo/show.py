"""The live picture of a demonstration, and the keys that are pressed."""

from __future__ import annotations

import contextlib
import select
import sys
import termios
import tty
from collections.abc import Iterator, Sequence

from sluicegate.cli.demo.site import Site
from sluicegate.cli.demo.traffic import Tally
from sluicegate.cli.status import table

LEGEND = "k kill a node   r revive it   p pause or resume the store   c change a configuration   q quit"
MOST_EVENTS = 8


def picture(site: Site, tally: Tally, events: Sequence[str]) -> str:
    """Return what to show."""
    found = site.status()
    before = f"{site.front} at {site.urls[0]}" if site.front else "no balancer"
    lines = [f"{len(site.nodes)} nodes, {site.store.name}, {before}", ""]
    lines.append(table(found) if found is not None else "no node says anything")
    lines += ["", told(tally), *tally.examples, "", *events[-MOST_EVENTS:], "", LEGEND]
    return "\n".join(lines)


def told(tally: Tally) -> str:
    """Return what became of the requests."""
    return f"{tally.asked} requests, {tally.failed} failed, the slowest took {tally.longest_s * 1000:.0f} ms"


@contextlib.contextmanager
def keyboard() -> Iterator[None]:
    """Have keys arrive as they are pressed, unseen."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def pressed(wait_s: float) -> str:
    """Return the key that is pressed within some time, or ""."""
    if not sys.stdin.isatty():
        select.select([], [], [], wait_s)
        return ""
    ready, _, _ = select.select([sys.stdin], [], [], wait_s)
    return sys.stdin.read(1) if ready else ""
