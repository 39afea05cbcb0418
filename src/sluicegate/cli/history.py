"""`sluicegate history`: who changed what in the cluster, and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sluicegate.cli.cluster_store import OK, ClusterStore, with_store
from sluicegate.cluster.history import Head

SIGNS = {"added": "+", "modified": "~", "deleted": "-"}


def history(conf: Path | None, *, limit: int, as_json: bool) -> int:
    """Print the latest generations, the newest first; return the exit code."""

    async def work(store: ClusterStore) -> int:
        state = await store.documents.state()
        first = max(state.oldest, state.generation - limit + 1)
        found = await store.documents.heads(range(state.generation, first - 1, -1))
        heads = [head for head in found if head is not None]
        if as_json:
            click.echo(json.dumps([_fields(head) for head in heads], indent=2, ensure_ascii=False))
        else:
            for head in heads:
                click.echo(_text(head))
        return OK

    return with_store(conf, work)


def _when(head: Head) -> str:
    return datetime.fromtimestamp(head.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(head: Head) -> str:
    title = f"{head.generation}  {_when(head)}  {head.author}" + (f"  {head.note}" if head.note else "")
    return "\n".join([title, *(f"    {SIGNS.get(one.action, '?')} {one.key}" for one in head.changes)])


def _fields(head: Head) -> dict[str, Any]:
    return {
        "generation": head.generation,
        "at": _when(head),
        "author": head.author,
        "note": head.note,
        "changes": [{"kind": one.kind, "id": one.id, "action": one.action} for one in head.changes],
    }
