"""`sluicegate status`: the nodes of the cluster as a table, once or live."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from sluicegate.cli.cluster import Source, Unreachable
from sluicegate.cluster.members import DRAINING, LOST, READY, STALE, STARTING, Report
from sluicegate.cluster.status import Status
from sluicegate.errors import ConfigError

CONVERGED, DIFFERS, UNREACHABLE = 0, 1, 2
EVERY_S = 1.0
HOME, CLEAR_BELOW, CLEAR_LINE = "\x1b[H", "\x1b[J", "\x1b[K"
COLOURS = {READY: "green", STARTING: "cyan", DRAINING: "yellow", STALE: "yellow", LOST: "red"}

COLUMNS: tuple[tuple[str, Callable[[Report], str]], ...] = (
    ("NODE", lambda one: one.id),
    ("STATE", lambda one: one.state),
    ("ADDRESS", lambda one: one.address),
    ("GEN", lambda one: str(one.generation)),
    ("DIGEST", lambda one: one.digest[:8]),
    ("LAG", lambda one: f"{one.lag_ms:.0f} ms"),
    ("STORE", lambda one: f"{one.store.latency_ms:.1f} ms" if one.store.reachable else "away"),
    ("LOAD", lambda one: f"{one.load:.0%}"),
    ("REQ/S", lambda one: f"{one.requests_per_s:.0f}"),
    ("5XX", lambda one: f"{one.error_rate:.1%}"),
    ("MB", lambda one: f"{one.memory_mb:.0f}"),
    ("STREAMS", lambda one: str(one.streams)),
    ("UP", lambda one: duration(one.uptime_s)),
)


def status(url: str | None, secret: str | None, conf: Path | None, *, watch: bool, as_json: bool) -> int:
    """Print it, with `watch` again and again; return the exit status: of the last look."""
    code = UNREACHABLE
    try:
        asked = Source(url, secret, conf)
        while True:
            code, text = look(asked, as_json=as_json)
            if not watch:
                click.echo(text, err=code == UNREACHABLE)
                return code
            draw(text)
            time.sleep(EVERY_S)
    except ConfigError as error:
        click.echo(str(error), err=True)
        return UNREACHABLE
    except KeyboardInterrupt:
        return code


def look(source: Source, *, as_json: bool) -> tuple[int, str]:
    """Return the exit status and the text of one look."""
    try:
        found = source.status()
    except Unreachable as error:
        return UNREACHABLE, str(error)
    text = msgspec.json.encode(found).decode() if as_json else table(found)
    return CONVERGED if found.converged else DIFFERS, text


def draw(text: str) -> None:
    """Show a text in place of the one before."""
    if sys.stdout.isatty():
        text = HOME + text.replace("\n", CLEAR_LINE + "\n") + CLEAR_LINE + "\n" + CLEAR_BELOW
    click.echo(text, nl=not sys.stdout.isatty())


def table(found: Status) -> str:
    """Return the status as a table, with what is wrong below it."""
    word = click.style("converged", fg="green") if found.converged else click.style("not converged", fg="red")
    since = f" since {found.since}" if found.since else ""
    lines = [f"{word}, generation {found.generation}{since}", ""]
    rows = [[name for name, _ in COLUMNS], *([show(one) for _, show in COLUMNS] for one in found.nodes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        if number:
            cells[1] = click.style(cells[1], fg=COLOURS.get(row[1]))
        lines.append("  ".join(cells).rstrip())
    lines += [f"{one} serves something else" for one in found.differs]
    lines += [f"{one.id}: {problem}" for one in found.nodes for problem in one.problems]
    if found.problem:
        lines.append(f"as last known: {found.problem}")
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Return a time in its largest unit."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
