"""`sluicegate restore`: write a node's snapshot back to a store that was emptied, or lost a part of what it held."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from sluicegate.cli.cluster_store import OK, ClusterStore, author, with_store
from sluicegate.cluster.document import content_of
from sluicegate.cluster.documents import Change, State
from sluicegate.cluster.errors import Conflict
from sluicegate.cluster.member import snapshot_path
from sluicegate.cluster.snapshot import Snapshot
from sluicegate.errors import ConfigError


def restore(conf: Path | None) -> int:
    """Write the documents of the snapshot; return the exit code. A store that holds a whole one is left alone."""

    async def work(store: ClusterStore) -> int:
        path = snapshot_path(store.settings)
        saved = Snapshot(path).load()
        if saved is None:
            raise ConfigError(str(path), "there is no snapshot", "sluicegate apply brings in a directory")
        for problem in saved.problems:
            click.echo(f"left out: {problem}", err=True)
        changes = [Change(key, content_of(one.content, key)) for key, one in sorted(saved.documents.items())]
        anew = not await store.documents.is_whole()

        async def prepare(state: State) -> Sequence[Change]:
            if not anew and state.generation:
                raise Conflict(None, 0, state.generation)
            if state.generation > saved.state.generation:
                what = f"the snapshot is older than what the store has left: generation {state.generation}"
                raise ConfigError(f"{path}: generation {saved.state.generation}", what, "take that of another node")
            index = await store.documents.index()
            return [*changes, *(Change(key, None) for key in sorted(index.keys() - saved.documents.keys()))]

        note, above = f"restore of generation {saved.state.generation}", saved.state.generation
        state = await store.writer.commit(prepare, author(), note, above=above, anew=anew)
        click.echo(f"{len(changes)} documents, generation {state.generation}")
        return OK

    return with_store(conf, work)
