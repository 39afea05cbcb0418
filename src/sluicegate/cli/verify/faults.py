"""What `sluicegate verify` looks for while the operator stops a node, or lets Redis fail over."""

from __future__ import annotations

import time
from contextlib import suppress

import click

from sluicegate.cli.verify.checks import SETTLE_LIMIT_S, TO_FAIL_OVER, Trial, served_after_a_change, whole
from sluicegate.cli.verify.hands import Hands
from sluicegate.cli.verify.report import LOOK_S, Failed, NotTested, wait
from sluicegate.cluster.members import DRAINING, LOST, READY, Report

WATCH_S = 2.0


def stop_a_node(trial: Trial, hands: Hands) -> tuple[float, str]:
    """A node ends, the traffic goes to the others, and it comes back."""
    nodes = trial.target.status().nodes
    if len(nodes) < 2:
        raise NotTested("there is one node: nothing would take over")
    chosen = nodes[-1]
    started = time.monotonic()
    try:
        limit_s = hands.stop(chosen)
        gone = _await_gone(trial, nodes, limit_s)
        seconds = time.monotonic() - started
        time.sleep(WATCH_S)
    except NotTested:
        raise
    except BaseException:
        _start_anyway(hands, chosen)
        raise
    started = time.monotonic()
    wait(lambda: _is_whole(trial, nodes), hands.start(gone), f"{gone.id} is not back")
    wait(lambda: served_after_a_change(trial), SETTLE_LIMIT_S, f"{gone.id} is back, but does not serve changes")
    return seconds, f"until {gone.id} was gone; {time.monotonic() - started:.3f} s until it served again"


def lose_the_master(trial: Trial, hands: Hands) -> tuple[float, str]:
    """The Redis that takes the writes is another one, and all goes on."""
    before = _masters(trial)
    if not before:
        raise NotTested("the store is a single one: nothing would take over")
    started = time.monotonic()
    limit_s = hands.fail_redis_over()
    if hands.fail_over is None:  # it begins when somebody has done it
        wait(lambda: _masters(trial) != before, limit_s, "Redis has not failed over")
        started = time.monotonic()
    wait(lambda: _masters(trial) not in (before, set()), limit_s, "no other server takes the writes")
    wait(lambda: served_after_a_change(trial), limit_s, "nothing can be written")
    seconds = time.monotonic() - started
    wait(lambda: whole(trial.target.status()), SETTLE_LIMIT_S, "the nodes do not agree")
    return seconds, f"until all nodes served a change again; writes go to {', '.join(sorted(_masters(trial)))}"


def _await_gone(trial: Trial, before: list[Report], limit_s: float) -> Report:
    """Return the node that has gone, whichever the operator has stopped. Raises Failed."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        with suppress(OSError):
            there = {one.id for one in trial.target.status().nodes if one.state not in (LOST, DRAINING)}
            for one in before:
                if one.id not in there:
                    return one
        time.sleep(LOOK_S)
    raise Failed(f"no node has gone within {limit_s:.0f} s")


def _start_anyway(hands: Hands, node: Report) -> None:
    """Have a node started that may have been stopped, however its check ends."""
    if hands.start_node is None:
        click.echo(f"{node.id} may be down: start it again", err=True)
        return
    try:
        hands.start(node)
    except Failed as error:
        click.echo(f"{node.id} may be down: {error}", err=True)


def _is_whole(trial: Trial, nodes: list[Report]) -> bool:
    with suppress(OSError):
        status = trial.target.status()
        return whole(status) and {one.id for one in nodes} <= {one.id for one in status.nodes if one.state == READY}
    return False


def _masters(trial: Trial) -> set[str]:
    """Return the servers that take writes, as the nodes see them; none where nothing would take over, or away."""
    with suppress(OSError):
        stores = [one.store for one in trial.target.status().nodes if one.state == READY]
        return {master for one in stores if one.topology in TO_FAIL_OVER for master in one.masters}
    return set()
