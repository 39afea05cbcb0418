"""What came of the checks of `sluicegate verify`, for people and for CI."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click
import msgspec

from sluicegate.cli.demo.processes import NotStarted
from sluicegate.cli.demo.traffic import ANSWER_LIMIT_S, Tally, Traffic

PASSED, NOT_PASSED, NOT_STARTED = 0, 1, 2
"""Exit codes. The last one: there was no cluster to be tried."""
LOOK_S = 0.1
WORDS = {True: "passed", False: "FAILED", None: "not tested"}


@dataclass(frozen=True)
class Result:
    """What came of a check.

    passed:  None when it was not tested; then the note says why.
    seconds: how long the part took that its name is about.
    requests, failed: of the traffic meanwhile.
    """

    name: str
    passed: bool | None
    seconds: float
    requests: int
    failed: int
    note: str


class Failed(Exception):
    """A check did not find what it should; the text says what it found."""


class NotTested(Exception):
    """A check could not be made; the text says why."""


Check = Callable[[], tuple[float, str]]
"""Returns how long it took, with a note. Raises Failed, NotTested, OSError, NotStarted."""


def run_check(name: str, check: Check, traffic: Traffic | None) -> Result:
    """Make one check, under traffic if there is any: it is passed when it finds what it should and no request fails."""
    click.echo(f"{name} …", err=True)
    if traffic is not None:
        traffic.begin_anew()
    seconds, passed = 0.0, None
    try:
        seconds, note = check()
        if traffic is not None:  # of no request at all it would say that none has failed
            wait(lambda: traffic.tally.asked, ANSWER_LIMIT_S, "no request was answered meanwhile")
        passed = True
    except NotTested as reason:
        note = str(reason)
    except (Failed, OSError, NotStarted) as error:
        passed, note = False, str(error) or repr(error)
    tally = traffic.begin_anew() if traffic is not None else Tally()
    if tally.failed and passed is not False:
        passed, note = False, tally.examples[0]
    return Result(name, passed, round(seconds, 3), tally.asked, tally.failed, note)


def wait(met: Callable[[], object], limit_s: float, problem: str) -> None:
    """Return when something is true. Raises Failed when that takes too long."""
    until = time.monotonic() + limit_s
    while not met():
        if time.monotonic() > until:
            raise Failed(problem)
        time.sleep(LOOK_S)


def told(results: Sequence[Result], *, strict: bool, as_json: bool) -> int:
    """Print the results, and return the exit status. strict: what was not tested is not passed."""
    passed = not any(one.passed is False or (strict and one.passed is None) for one in results)
    click.echo(msgspec.json.encode({"passed": passed, "checks": results}) if as_json else table(results))
    return PASSED if passed else NOT_PASSED


def table(results: Sequence[Result]) -> str:
    """Return the results, one a line."""
    rows = [("CHECK", "RESULT", "TIME", "REQUESTS", "FAILED", "")]
    for one in results:
        figures = ("-", "-", "-")
        if one.passed is not None:
            figures = (f"{one.seconds:.3f} s", str(one.requests), str(one.failed))
        rows.append((one.name, WORDS[one.passed], *figures, one.note))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
