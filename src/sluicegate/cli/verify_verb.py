"""The verb that tries a cluster; part of the face of the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.option("--nodes", metavar="N", type=click.IntRange(2, 9), help="Of the scratch cluster: how many. Default: 3.")
@click.option("--url", metavar="URL[,URL…]", help="Try the cluster of these nodes: admin API of one, or of all.")
@click.option(
    "--conf", metavar="FILE", type=click.Path(path_type=Path), help="Try the cluster of the node it describes."
)
@click.option("--secret", metavar="TEXT", help="Of the admin API. Default: TYK_GW_SECRET, else the settings'.")
@click.option("--front", metavar="URL", default="", help="Balancer for the traffic. Default: the nodes in turn.")
@click.option("--stop-node", metavar="COMMAND", help="Stops the node $NODE_ID at $NODE_HOST.")
@click.option("--start-node", metavar="COMMAND", help="Starts it again.")
@click.option("--fail-over", metavar="COMMAND", help="Has Redis fail over.")
@click.option("--ask", is_flag=True, help="Ask you to do what there is no command for, and wait for it.")
@click.option("--strict", is_flag=True, help="Exit with 1 if something was not tested, too.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
def verify(
    nodes: int | None,
    url: str | None,
    conf: Path | None,
    secret: str | None,
    front: str,
    stop_node: str | None,
    start_node: str | None,
    fail_over: str | None,
    ask: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Try a cluster under faults and traffic: one that is there, or without --url and --conf a scratch one made here.

    A cluster that is there gets an API of its own for that, which is removed again. Nothing of it is stopped but by a
    COMMAND of yours, or by you (--ask).

    Exits with 0 if no check has failed, with 1 if one has, with 2 if there was no cluster to be tried, or it was
    interrupted.
    """
    if url is None and conf is None:
        if secret or front or stop_node or start_node or fail_over or ask:
            raise click.UsageError("A scratch cluster takes --nodes alone; name a cluster by --url or --conf.")
        from sluicegate.cli.verify.scratch import verify as run_scratch

        sys.exit(run_scratch(nodes or 3, strict=strict, as_json=as_json))
    if nodes is not None:
        raise click.UsageError("--nodes is for a scratch cluster.")
    from sluicegate.cli.verify.hands import Hands
    from sluicegate.cli.verify.named import verify as run
    from sluicegate.cli.verify.target import Target
    from sluicegate.errors import ConfigError

    try:
        target, hands = Target(url, secret, conf), Hands(stop_node, start_node, fail_over, ask)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    sys.exit(run(target, front, hands, strict=strict, as_json=as_json))
