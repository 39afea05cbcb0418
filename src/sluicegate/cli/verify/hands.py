"""What the admin API cannot do, done by the operator: by commands that were given, or by hand when asked.

Nothing is stopped or failed over without one or the other.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from tempfile import TemporaryFile
from urllib.parse import urlsplit

import click

from sluicegate.cli.demo.processes import signals_held
from sluicegate.cli.verify.report import Failed, NotTested
from sluicegate.cluster.members import Report
from sluicegate.errors import ConfigError

COMMAND_LIMIT_S = 300.0
COMMANDED_LIMIT_S = 120.0
BY_HAND_LIMIT_S = 600.0


@dataclass(frozen=True)
class Hands:
    """The operator's. Raises ConfigError for a node that would be stopped for good.

    stop_node, start_node, fail_over: lines for the shell. The first two get NODE_ID, NODE_URL and NODE_HOST.
    asks: ask on the terminal for what there is no command for.
    """

    stop_node: str | None = None
    start_node: str | None = None
    fail_over: str | None = None
    asks: bool = False

    def __post_init__(self) -> None:
        if self.stop_node and not (self.start_node or self.asks):
            raise ConfigError("--stop-node", "nothing would start the node again", "give --start-node too, or --ask")
        if self.start_node and not (self.stop_node or self.asks):
            raise ConfigError("--start-node", "nothing stops a node", "give --stop-node too, or --ask")

    def stop(self, node: Report) -> float:
        """Have a node stopped, or ask for it; return how long that may take. Raises Failed, NotTested."""
        return self._do("--stop-node", self.stop_node, f"Stop {_named(node)}", node)

    def start(self, node: Report) -> float:
        """Have a node started, or ask for it; return how long that may take. Raises Failed, NotTested."""
        return self._do("--start-node", self.start_node, f"Start {_named(node)} again", node)

    def fail_redis_over(self) -> float:
        """Have Redis fail over, or ask for it; return how long that may take. Raises Failed, NotTested."""
        return self._do("--fail-over", self.fail_over, "Let Redis fail over: stop its master, or tell it to")

    def _do(self, option: str, command: str | None, plea: str, node: Report | None = None) -> float:
        if command:
            _run(option, command, node)
            return COMMANDED_LIMIT_S
        if self.asks:
            click.echo(f"  {plea}. Waiting {BY_HAND_LIMIT_S:.0f} s for it …", err=True)
            return BY_HAND_LIMIT_S
        raise NotTested(f"give {option} COMMAND, or --ask")


def _named(node: Report) -> str:
    return f"{node.id} ({node.address})"


def _run(option: str, command: str, node: Report | None) -> None:
    """Run a command to its end, whatever signal comes: half of it would leave nobody knows what."""
    environ = dict(os.environ)
    if node is not None:
        environ |= {"NODE_ID": node.id, "NODE_URL": node.address, "NODE_HOST": urlsplit(node.address).hostname or ""}
    with signals_held(), TemporaryFile() as output:  # no pipe: what a command leaves running would keep it open
        try:
            code = subprocess.run(  # noqa: S602 - a line of the operator's, for the shell
                command, shell=True, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, timeout=COMMAND_LIMIT_S,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Failed(f"{option} has not ended within {COMMAND_LIMIT_S:.0f} s") from None
        output.seek(0)
        lines = output.read().decode("utf-8", "replace").strip().splitlines()
    if code:
        raise Failed(f"{option} ended with {code}: {(lines or [''])[-1][:200]}")
