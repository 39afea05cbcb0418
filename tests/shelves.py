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
from sluicegate.store.backend import Backend
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.redis import RedisBackend
from sluicegate.store.redis.options import RedisOptions, redis_options
from sluicegate.store.sqlite import SqliteBackend


@contextlib.asynccontextmanager
async def opened(kind: str, folder: Path, redis: RedisOptions | None) -> AsyncIterator[Shelf]:
    """Give the shelf of a store: `memory`, `sqlite` in the folder, or a Redis."""
    backend: Backend
    if redis is not None:
        backend = RedisBackend(redis)
    else:
        backend = MemoryBackend() if kind == "memory" else SqliteBackend(folder / "store.db")
    try:
        yield shelf_of(backend)
    finally:
        await backend.close()


def redis_at(port: int) -> RedisOptions | None:
    """Return how the Redis of a port is reached, None for none."""
    return redis_options(StorageOptions(host="127.0.0.1", port=port)) if port else None


def put(api_id: str, text: str = "{}", *, expected: int | None = None) -> Change:
    """Return the change that writes an API."""
    return Change(Key(API, api_id), Content(API, api_id, text.encode()), expected)


def remove(api_id: str, *, expected: int | None = None) -> Change:
    """Return the change that removes an API."""
    return Change(Key(API, api_id), None, expected)
