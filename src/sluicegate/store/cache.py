"""Stored responses (contract 09.8): in Redis, where all nodes see them, or in the memory of a worker.

Entries are what the cache middleware makes of them: bytes under a name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from sluicegate.clock import ticks
from sluicegate.store.reach import Reach
from sluicegate.store.redis import RedisBackend

if TYPE_CHECKING:
    from sluicegate.store.backend import Backend

MEMORY_BYTES = 32 * 1024 * 1024
ENTRY_OVERHEAD_BYTES = 200
LARGEST_SHARE = 8  # an entry may take an eighth of the room


class ResponseCache(ABC):
    """Where stored responses are. Memory answers on the spot, Redis by awaitables that may raise StoreError.

    clearings: how often this worker was told to forget something. What was asked for before the last of them may be of
               the time before, too: whoever has it does not store it any more.
    """

    clearings = 0

    @abstractmethod
    def get(self, name: str) -> bytes | Awaitable[bytes | None] | None:
        """Return what is stored, or None."""

    @abstractmethod
    def set(self, name: str, value: bytes, ttl_s: float) -> Awaitable[None] | None:
        """Store a response; 0 or less has no end."""

    async def forget(self, prefix: str) -> int:
        """Forget everything whose name begins so; return how much that was."""
        self.clearings += 1
        return await self.delete_prefix(prefix)

    @abstractmethod
    async def delete_prefix(self, prefix: str) -> int:
        """Remove everything whose name begins so, and nothing else."""


class StoredCache(ResponseCache):
    """Responses in a store that nodes share."""

    def __init__(self, backend: Backend, reach: Reach) -> None:
        """reach: how long to wait for the store."""
        self._backend, self._reach = backend, reach

    def get(self, name: str) -> Awaitable[bytes | None]:
        self._reach.check()
        return self._reach.ask(self._backend.get(name))

    def set(self, name: str, value: bytes, ttl_s: float) -> Awaitable[None]:
        self._reach.check()
        return self._reach.ask(self._backend.set(name, value, ttl_s))

    async def delete_prefix(self, prefix: str) -> int:
        return await self._backend.delete_prefix(prefix)


class MemoryCache(ResponseCache):
    """Responses in memory, up to so many bytes; what was used least lately goes first."""

    def __init__(self, room_bytes: int = MEMORY_BYTES) -> None:
        self._room_bytes = room_bytes
        self._used_bytes = 0
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    def get(self, name: str) -> bytes | None:
        entry = self._entries.get(name)
        if entry is None:
            return None
        if entry[1] <= ticks():
            self._remove(name)
            return None
        self._entries.move_to_end(name)
        return entry[0]

    def set(self, name: str, value: bytes, ttl_s: float) -> None:
        if name in self._entries:
            self._remove(name)
        size = _size(name, value)
        if size * LARGEST_SHARE > self._room_bytes:
            return
        while self._used_bytes + size > self._room_bytes:
            self._remove(next(iter(self._entries)))
        self._entries[name] = (value, ticks() + ttl_s if ttl_s > 0 else float("inf"))
        self._used_bytes += size

    async def delete_prefix(self, prefix: str) -> int:
        gone = [name for name in self._entries if name.startswith(prefix)]
        for name in gone:
            self._remove(name)
        return len(gone)

    def _remove(self, name: str) -> None:
        self._used_bytes -= _size(name, self._entries.pop(name)[0])


def _size(name: str, value: bytes) -> int:
    return len(name) + len(value) + ENTRY_OVERHEAD_BYTES


def make_cache(backend: Backend, reach: Reach) -> ResponseCache:
    """Return where responses are stored, beside a store that holds the rest."""
    return StoredCache(backend, reach) if isinstance(backend, RedisBackend) else MemoryCache()
