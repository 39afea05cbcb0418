"""Whether the nodes of a cluster agree, worked out from what each says and what the store holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from sluicegate.clock import now
from sluicegate.cluster.documents import State
from sluicegate.cluster.members import LOST, STARTING, Report


class Status(msgspec.Struct, frozen=True):
    """What `/tyk/cluster/status` says.

    converged:  every node that lives serves exactly what the store holds.
    generation: of the shared configuration in the store; 0: nothing is shared.
    since:      when it came to that: the last node has taken it over, or the change that not all have was written.
    differs:    ids of the nodes that live and serve something else.
    problem:    why the store cannot be asked; then this is what was last known, which may not hold any more.
    """

    converged: bool
    generation: int
    since: str
    differs: list[str]
    nodes: list[Report]
    problem: str = ""


def status_of(state: State, reports: Sequence[Report], problem: str = "", *, shares: bool = True) -> Status:
    """Return what follows from the reports.

    state:  what the store holds, or was last known to hold.
    shares: whether there is a shared configuration; a single node without one agrees with itself.
    """
    serving = [one for one in reports if one.state not in (LOST, STARTING)]
    differs = [one.id for one in serving if (one.generation, one.digest) != (state.generation, state.digest)]
    if not shares:
        differs = []
    converged = bool(serving) and not differs and not problem
    last = max((one.last_reload for one in serving), default="")
    since = last if converged else timestamp(state.at) if differs else last
    nodes = [_still_behind(one, state) for one in reports]
    return Status(converged, state.generation, since, differs, nodes, problem)


def _still_behind(report: Report, state: State) -> Report:
    """Return the report of a node; one that has not taken the last change over lags more with every moment."""
    if report.generation >= state.generation or report.state in (LOST, STARTING):
        return report
    return msgspec.structs.replace(report, lag_ms=max(report.lag_ms, round(1000 * (now() - state.at), 1)))


def timestamp(seconds: float) -> str:
    """Return a time as it is written in JSON: UTC, with milliseconds; "" for never."""
    if not seconds:
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
