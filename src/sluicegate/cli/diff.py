"""`sluicegate diff`: how a directory differs from what the cluster shares, or two generations from each other."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import click

from sluicegate.apidef.gojson import indented
from sluicegate.cli.cluster_store import DIFFERS, OK, ClusterStore, RefusedChanges, with_store
from sluicegate.cli.directory import read_directory
from sluicegate.cluster.document import Content
from sluicegate.cluster.past import Contents, differing


def diff(conf: Path | None, old: str, new: int | None) -> int:
    """Print the differences; return the exit code.

    old: a directory, or a generation; then `new` is another one, or None for now.
    """

    async def work(store: ClusterStore) -> int:
        if old.isascii() and old.isdigit():
            before, after = await differing(store.documents, int(old), new)
        else:
            found = read_directory(Path(old), store.settings)
            if found.errors:
                raise RefusedChanges(found.errors)
            before = {key: one for key, one in (await store.contents()).items() if key.kind in found.kinds}
            after = found.contents
        lines = list(_lines(before, after))
        for line in lines:
            click.echo(line)
        return DIFFERS if lines else OK

    return with_store(conf, work)


def _lines(before: Contents, after: Contents) -> Iterator[str]:
    """Yield the lines of a unified diff, document by document."""
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old != new:
            yield from difflib.unified_diff(_text(old), _text(new), f"a/{key}", f"b/{key}", lineterm="")


def _text(content: Content | None) -> list[str]:
    if content is None:
        return []
    parts = [content.classic, *([content.oas] if content.oas is not None else [])]
    return [line for part in parts for line in indented(part).decode("utf-8", "replace").splitlines()]
