"""`sluicegate dump`: write what the cluster shares, or shared at an earlier generation, to a directory."""

from __future__ import annotations

from pathlib import Path

import click

from sluicegate.cli.cluster_store import OK, ClusterStore, with_store
from sluicegate.cli.directory import write_directory
from sluicegate.cluster.past import contents_at
from sluicegate.errors import ConfigError


def dump(conf: Path | None, path: Path, generation: int | None) -> int:
    """Write all documents; return the exit code."""

    async def work(store: ClusterStore) -> int:
        contents = await store.contents() if generation is None else await contents_at(store.documents, generation)
        try:
            count = write_directory(path, contents)
        except OSError as error:
            raise ConfigError(str(error.filename or path), f"cannot be written: {error.strerror}") from None
        click.echo(f"{count} documents")
        return OK

    return with_store(conf, work)
