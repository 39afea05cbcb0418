"""Which stores a process works with, by the settings: the main one, and those that Tyk's settings keep apart from it.

Stored responses may have a Redis of their own (`enable_separate_cache_store`), and so may analytics records
(`enable_separate_analytics_store`); what is not kept apart is the main store.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sluicegate.store.redis import RedisBackend
from sluicegate.store.redis.options import redis_options
from sluicegate.store.redis.outage import Log, silent
from sluicegate.store.sqlite import SqliteBackend

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings
    from sluicegate.settings.storage import StorageOptions
    from sluicegate.store.backend import Backend


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of a process; two of them, or all three, may be one."""

    main: Backend
    cache: Backend
    analytics: Backend

    async def close(self) -> None:
        """Let go of each."""
        for store in {id(store): store for store in (self.main, self.cache, self.analytics)}.values():
            await store.close()


def open_stores(settings: Settings, log: Log = silent) -> Stores:
    """Make the stores that the settings ask for; nobody is called yet. Raises ConfigError, StoreError.

    log: is told when a Redis goes and when it returns.
    """
    main: Backend
    if settings.storage.type == "redis":
        main = _redis(settings.storage, "storage", log)
    else:
        main = SqliteBackend(Path(settings.sluicegate.store_path))
    cache = analytics = main
    if settings.enable_separate_cache_store:
        cache = _redis(settings.cache_storage, "cache_storage", log)
    if settings.enable_separate_analytics_store:
        analytics = _redis(settings.analytics_storage, "analytics_storage", log)
    return Stores(main, cache, analytics)


def redis_blocks(settings: Settings) -> list[tuple[str, StorageOptions]]:
    """Return the blocks of the settings that are in use and lead to a Redis, by their names."""
    blocks = [
        ("storage", settings.storage, settings.storage.type == "redis"),
        ("cache_storage", settings.cache_storage, settings.enable_separate_cache_store),
        ("analytics_storage", settings.analytics_storage, settings.enable_separate_analytics_store),
    ]
    return [(name, block) for name, block, is_used in blocks if is_used]


def _redis(storage: StorageOptions, name: str, log: Log) -> RedisBackend:
    return RedisBackend(redis_options(storage, name), log, name)
