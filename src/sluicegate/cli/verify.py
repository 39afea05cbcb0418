"""`sluicegate verify`: fault tests on a scratch cluster of this machine, as a table with times."""

from __future__ import annotations

import click
import msgspec

from sluicegate.cli.demo.checks import Result, checks_for, run_check
from sluicegate.cli.demo.processes import NotStarted
from sluicegate.cli.demo.run import site_of
from sluicegate.cli.demo.site import KEYED, OPEN
from sluicegate.cli.demo.stores import Embedded, Sentinels, is_redis_here
from sluicegate.cli.demo.traffic import Traffic

PASSED, NOT_PASSED, NOT_STARTED = 0, 1, 2


def verify(nodes: int, *, as_json: bool) -> int:
    """Run the checks, print what came of them, and return the exit status."""
    results: list[Result] = []
    try:
        with (
            site_of(nodes, Sentinels if is_redis_here() else Embedded) as site,
            Traffic(site.urls, (OPEN, KEYED), site.key) as traffic,
        ):
            for name, check in checks_for(site):
                click.echo(f"{name} …", err=True)
                results.append(run_check(name, check, site, traffic))
    except NotStarted as error:
        click.echo(str(error), err=True)
        return NOT_STARTED
    except KeyboardInterrupt:
        return NOT_STARTED
    passed = all(result.passed for result in results)
    if as_json:
        click.echo(msgspec.json.encode({"passed": passed, "checks": results}))
    else:
        click.echo(table(results))
    return PASSED if passed else NOT_PASSED


def table(results: list[Result]) -> str:
    """Return the results, one a line."""
    rows = [("CHECK", "RESULT", "TIME", "REQUESTS", "FAILED", "")]
    for one in results:
        word = "passed" if one.passed else "FAILED"
        rows.append((one.name, word, f"{one.seconds:.3f} s", str(one.requests), str(one.failed), one.note))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
