"""`sluicegate verify` on a scratch cluster of this machine, which ends with it."""

from __future__ import annotations

from functools import partial

import click

from sluicegate.cli.demo.processes import NotStarted
from sluicegate.cli.demo.run import site_of
from sluicegate.cli.demo.site import KEYED, OPEN
from sluicegate.cli.demo.stores import Embedded, Sentinels, is_redis_here
from sluicegate.cli.demo.traffic import Traffic
from sluicegate.cli.verify.report import NOT_STARTED, Result, run_check, told
from sluicegate.cli.verify.scratch_checks import checks_for


def verify(nodes: int, *, strict: bool, as_json: bool) -> int:
    """Run the checks, print what came of them, and return the exit status."""
    results: list[Result] = []
    try:
        with (
            site_of(nodes, Sentinels if is_redis_here() else Embedded) as site,
            Traffic(site.urls, (OPEN, KEYED), site.key) as traffic,
        ):
            for name, check in checks_for(site):
                results.append(run_check(name, partial(check, site), traffic))
    except NotStarted as error:
        click.echo(str(error), err=True)
        return NOT_STARTED
    except KeyboardInterrupt:
        return NOT_STARTED
    return told(results, strict=strict, as_json=as_json)
