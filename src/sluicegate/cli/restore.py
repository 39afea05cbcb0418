"""`sluicegate restore`: write a node's snapshot back to a store that was emptied, or lost its disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from sluicegate.cli.cluster_store import OK, ClusterStore, author, with_store
from sluicegate.cluster.document import content_of
from sluicegate.cluster.documents import Change, State
from sluicegate.cluster.member import snapshot_path
from sluicegate.cluster.snapshot import Snapshot
from sluicegate.errors import ConfigError


def restore(conf: Path | None) -> int:
    """Write the documents of the snapshot; return the exit code. A store that holds a configuration is left alone."""

    async def work(store: ClusterStore) -> int:
        path = snapshot_path(store.settings)
        saved = Snapshot(path).load()
        if saved is None:
            raise ConfigError(str(path), "there is no snapshot", "sluicegate apply brings in a directory")
        for problem in saved.problems:
            click.echo(f"left out: {problem}", err=True)
        changes = [Change(key, content_of(one.content, key)) for key, one in sorted(saved.documents.items())]

        async def prepare(_state: State) -> Sequence[Change]:
            return changes

        note, above = f"restore of generation {saved.state.generation}", saved.state.generation
        state = await store.writer.commit(prepare, author(), note, expected=0, above=above)
        click.echo(f"{len(changes)} documents, generation {state.generation}")
        return OK

    return with_store(conf, work)
