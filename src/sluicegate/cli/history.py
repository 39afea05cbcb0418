"""`sluicegate history`: who changed what in the cluster, and when."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sluicegate.cli.cluster_store import OK, ClusterStore, with_store
from sluicegate.cluster.history import Head
from sluicegate.cluster.past import latest, readable
from sluicegate.cluster.status import timestamp

SIGNS = {"added": "+", "modified": "~", "deleted": "-"}


def history(conf: Path | None, *, limit: int, as_json: bool) -> int:
    """Print the latest generations, the newest first; return the exit code."""

    async def work(store: ClusterStore) -> int:
        heads = await latest(store.documents, limit)
        if as_json:
            click.echo(json.dumps([readable(head) for head in heads], indent=2, ensure_ascii=False))
        else:
            for head in heads:
                click.echo(_text(head))
        return OK

    return with_store(conf, work)


def _text(head: Head) -> str:
    title = f"{head.generation}  {timestamp(head.at)}  {head.author}" + (f"  {head.note}" if head.note else "")
    return "\n".join([title, *(f"    {SIGNS.get(one.action, '?')} {one.key}" for one in head.changes)])
