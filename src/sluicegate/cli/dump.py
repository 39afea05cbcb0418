"""`sluicegate dump`: write what the cluster shares, or shared at an earlier generation, to a directory."""

from __future__ import annotations

from pathlib import Path

import click

from sluicegate.cli.cluster_store import OK, ClusterStore, with_store
from sluicegate.cli.directory import write_directory
from sluicegate.cluster.document import Content, Key, content_of, open_envelope
from sluicegate.cluster.writer import past_of
from sluicegate.errors import ConfigError


def dump(conf: Path | None, path: Path, generation: int | None) -> int:
    """Write all documents; return the exit code."""

    async def work(store: ClusterStore) -> int:
        contents = await at_generation(store, generation)
        try:
            count = write_directory(path, contents)
        except OSError as error:
            raise ConfigError(str(error.filename or path), f"cannot be written: {error.strerror}") from None
        click.echo(f"{count} documents")
        return OK

    return with_store(conf, work)


async def at_generation(store: ClusterStore, generation: int | None) -> dict[Key, Content]:
    """Return what was shared at a generation, None: now. Raises ConfigError when history does not reach."""
    state = await store.documents.state()
    contents = await store.contents()
    if generation is None:
        return contents
    for key, raw in (await past_of(store.documents, state, generation)).items():
        contents.pop(key, None)
        if raw is not None:
            contents[key] = content_of(open_envelope(raw, key).content, key)
    return contents
