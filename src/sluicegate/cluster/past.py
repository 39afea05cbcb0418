"""What the cluster shared at an earlier generation, and how two generations differ.

History remembers of each generation what its documents were before it (`history`). So an earlier one is what there is
now, with all of that put over it, the latest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sluicegate.cluster.document import Content, Key, content_of, open_envelope
from sluicegate.cluster.documents import Change, Documents, State
from sluicegate.cluster.history import Head, overrides
from sluicegate.cluster.status import timestamp
from sluicegate.errors import ConfigError

Contents = Mapping[Key, Content]


async def latest(documents: Documents, limit: int) -> list[Head]:
    """Return what the latest generations did, the newest first, as far as history reaches."""
    state = await documents.state()
    first = max(state.oldest, state.generation - limit + 1)
    found = await documents.heads(range(state.generation, first - 1, -1))
    return [head for head in found if head is not None]


def readable(head: Head) -> dict[str, Any]:
    """Return what a generation did as a JSON object for people."""
    return {
        "generation": head.generation,
        "at": timestamp(head.at),
        "author": head.author,
        "note": head.note,
        "changes": [{"kind": one.kind, "id": one.id, "action": one.action} for one in head.changes],
    }


async def contents_at(documents: Documents, generation: int) -> dict[Key, Content]:
    """Return all documents of a generation. Raises ConfigError when history does not reach."""
    state = await documents.state()
    found = await documents.contents(await documents.index())
    for key, raw in (await past_of(documents, state, generation)).items():
        found.pop(key, None)
        if raw is not None:
            found[key] = opened(raw, key)
    return found


async def differing(documents: Documents, old: int, new: int | None) -> tuple[Contents, Contents]:
    """Return the documents that two generations have otherwise, as they were in each; None: now.

    Others are not read. Raises ConfigError when history does not reach.
    """
    state = await documents.state()
    then = await past_of(documents, state, old)
    later = await past_of(documents, state, state.generation if new is None else new)
    keys = then.keys() | later.keys()
    still = await documents.contents(keys - (then.keys() & later.keys()))
    return _as_it_was(keys, then, still), _as_it_was(keys, later, still)


async def changes_back_to(documents: Documents, state: State, generation: int) -> list[Change]:
    """Return the changes that bring back an earlier generation. Raises ConfigError when history does not reach."""
    past = await past_of(documents, state, generation)
    return [Change(key, opened(raw, key) if raw is not None else None) for key, raw in past.items()]


async def past_of(documents: Documents, state: State, generation: int) -> dict[Key, bytes | None]:
    """Return envelopes of the documents that an earlier generation had otherwise. Raises ConfigError."""
    if not 0 <= generation <= state.generation or generation + 1 < state.oldest:
        what = f"history holds generations {max(state.oldest - 1, 0)} to {state.generation}"
        raise ConfigError(f"generation {generation}", what)
    found = overrides(await documents.past(range(state.generation, generation, -1)))
    if found is None:
        raise ConfigError(f"generation {generation}", "history cannot be read that far back")
    return dict(found)


def opened(raw: bytes, key: Key) -> Content:
    """Return the document of an envelope. Raises ConfigError."""
    return content_of(open_envelope(raw, key).content, key)


def _as_it_was(keys: Iterable[Key], past: Mapping[Key, bytes | None], still: Contents) -> Contents:
    found = {}
    for key in keys:
        raw = past.get(key)
        content = opened(raw, key) if raw is not None else None if key in past else still.get(key)
        if content is not None:
            found[key] = content
    return found
