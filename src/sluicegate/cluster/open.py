"""The shelf that goes with a store."""

from __future__ import annotations

from sluicegate.cluster.redis_shelf import RedisShelf
from sluicegate.cluster.shelf import Shelf
from sluicegate.cluster.sqlite_shelf import SqliteShelf
from sluicegate.store.backend import Backend
from sluicegate.store.redis import RedisBackend
from sluicegate.store.sqlite import SqliteBackend


def shelf_of(backend: Backend) -> Shelf:
    """Return where the shared configuration lies in a store."""
    if isinstance(backend, RedisBackend):
        return RedisShelf(backend)
    assert isinstance(backend, SqliteBackend)
    return SqliteShelf(backend)
