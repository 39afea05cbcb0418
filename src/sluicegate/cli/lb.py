"""`sluicegate lb`: print the configuration of a balancer in front of the nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sluicegate.cli.cluster import Source, Unreachable
from sluicegate.cli.fronts import WRITERS
from sluicegate.cli.fronts.front import Front, Node, choose_algorithm, read_nodes
from sluicegate.cluster.members import DRAINING, LOST
from sluicegate.errors import ConfigError

NodeSource = Callable[[], tuple[Node, ...]]
"""Says which nodes there are. Raises ConfigError."""


def lb(program: str, nodes: NodeSource, algorithm: str | None, **wishes: Any) -> int:
    """Print it, or what is wrong; return the exit status.

    wishes: the fields of `Front` but for nodes and algorithm.
    """
    try:
        there = nodes()
        front = Front(there, choose_algorithm(algorithm, there), **wishes)
        click.echo(WRITERS[program](front), nl=False)
    except ConfigError as error:
        click.echo(str(error), err=True)
        return 1
    return 0


def live_nodes(url: str | None, secret: str | None, conf: Path | None) -> tuple[Node, ...]:
    """Return the nodes that the cluster knows to be there. Raises ConfigError."""
    try:
        reports = Source(url, secret, conf).status().nodes
    except Unreachable as error:
        hint = "write --nodes http://10.0.0.1:8080,http://10.0.0.2:8080, or ask another node by --url"
        raise ConfigError("--nodes", f"missing, and the node cannot be asked: {error}", hint) from None
    # An address says whether the node listens with TLS.
    return read_nodes(",".join(one.address for one in reports if one.state not in (LOST, DRAINING)))
