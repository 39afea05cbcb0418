"""Shelves for the shared configuration, over each kind of store."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from sluicegate.cluster.document import API, Content, Key
from sluicegate.cluster.documents import Change
from sluicegate.cluster.open import shelf_of
from sluicegate.cluster.shelf import Shelf
from sluicegate.settings.storage import StorageOptions
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.redis import RedisBackend
from sluicegate.store.redis.options import redis_options
from sluicegate.store.sqlite import SqliteBackend


@contextlib.asynccontextmanager
async def opened(kind: str, folder: Path, port: int) -> AsyncIterator[Shelf]:
    """Give the shelf of a store of its own: `memory`, `sqlite` in the folder, or `redis` at the port."""
    if kind == "redis":
        backend = RedisBackend(redis_options(StorageOptions(host="127.0.0.1", port=port)))
    else:
        backend = MemoryBackend() if kind == "memory" else SqliteBackend(folder / "store.db")
    try:
        yield shelf_of(backend)
    finally:
        await backend.close()


def put(api_id: str, text: str = "{}", *, expected: int | None = None) -> Change:
    """Return the change that writes an API."""
    return Change(Key(API, api_id), Content(API, api_id, text.encode()), expected)


def remove(api_id: str, *, expected: int | None = None) -> Change:
    """Return the change that removes an API."""
    return Change(Key(API, api_id), None, expected)
