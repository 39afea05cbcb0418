"""`sluicegate apply`: bring a directory of documents into the cluster, in one step."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import click

from sluicegate.cli.cluster_store import DIFFERS, OK, ClusterStore, RefusedChanges, author, with_store
from sluicegate.cli.directory import Directory, read_directory
from sluicegate.cli.trial_run import try_out
from sluicegate.cluster.document import Key, checksum_of, pack
from sluicegate.cluster.documents import Change, State


def apply(conf: Path | None, path: Path, *, prune: bool, dry_run: bool) -> int:
    """Write what differs, and print it; return the exit code.

    prune:   remove what the directory does not have, of the kinds that it has a place for.
    dry_run: write nothing; the exit code tells whether something differs.
    """

    async def work(store: ClusterStore) -> int:
        found = read_directory(path, store.settings)
        if found.errors:
            raise RefusedChanges(found.errors)
        lines: list[str] = []
        anew = not await store.documents.is_whole()

        async def prepare(_state: State) -> Sequence[Change]:
            changes = await differing(store, found, prune=prune, anew=anew)
            lines[:] = await told(store, changes)
            await try_out(store, changes)
            return changes

        if dry_run:
            await prepare(await store.documents.state())
            click.echo("\n".join([*lines, f"{len(lines)} to be changed"]))
            return DIFFERS if lines else OK
        state = await store.writer.commit(prepare, author(), f"apply {path}", anew=anew)
        click.echo("\n".join([*lines, f"{len(lines)} changed, generation {state.generation}"]))
        return OK

    return with_store(conf, work)


async def differing(store: ClusterStore, found: Directory, *, prune: bool, anew: bool = False) -> list[Change]:
    """Return the changes that make the cluster what a directory says.

    anew: all of it, since the store has lost something, and what the index says of the rest may not hold.
    """
    index = await store.documents.index()
    changes = []
    for key, content in sorted(found.contents.items()):
        entry = index.get(key)
        if anew or entry is None or entry.checksum != checksum_of(pack(content)):
            changes.append(Change(key, content))
    if prune:
        gone = [key for key in index if key.kind in found.kinds and key not in found.contents]
        changes += [Change(key, None) for key in sorted(gone)]
    return changes


async def told(store: ClusterStore, changes: Sequence[Change]) -> list[str]:
    """Return a line for each change: `+` adds, `~` modifies, `-` removes."""
    known = await store.documents.entries([change.key for change in changes])
    return [f"{_sign(change, known.keys())} {change.key}" for change in changes]


def _sign(change: Change, known: Collection[Key]) -> str:
    if change.content is None:
        return "-"
    return "~" if change.key in known else "+"
