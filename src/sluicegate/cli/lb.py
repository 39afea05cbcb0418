"""`sluicegate lb`: print the configuration of a balancer in front of the nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from sluicegate.cli.fronts import WRITERS
from sluicegate.cli.fronts.front import Front, Node, choose_algorithm, read_nodes
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


def named_nodes(text: str | None) -> tuple[Node, ...]:
    """Return the nodes that the command line names. Raises ConfigError."""
    if text is None:
        raise ConfigError("--nodes", "missing", "write --nodes http://10.0.0.1:8080,http://10.0.0.2:8080")
    return read_nodes(text)
