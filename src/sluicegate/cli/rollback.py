"""`sluicegate rollback`: bring back what the cluster shared at an earlier generation, as a new one."""

from __future__ import annotations

from pathlib import Path

import click

from sluicegate.cli.cluster_store import OK, ClusterStore, author, with_store
from sluicegate.cli.trial_run import try_out


def rollback(conf: Path | None, generation: int) -> int:
    """Bring an earlier generation back; return the exit code."""

    async def work(store: ClusterStore) -> int:
        state = await store.writer.roll_back(generation, author(), lambda changes: try_out(store, changes))
        click.echo(f"generation {state.generation}")
        return OK

    return with_store(conf, work)
