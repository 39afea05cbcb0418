"""How the road of one worker gets at the store: sessions, limits and stored responses that outlast its absence.

Put together here for `assembly`, which has enough to do.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sluicegate.errors import ConfigError
from sluicegate.store.cache import make_cache
from sluicegate.store.keys import KeyStore
from sluicegate.store.known_keys_file import KnownKeysFile
from sluicegate.store.limiters import Surroundings, make_limiter
from sluicegate.store.limiters.lease_sheet import BYTES
from sluicegate.store.limiters.refusals import Refusals
from sluicegate.store.limiters.tally import Tally
from sluicegate.store.oauth_tokens import make_oauth
from sluicegate.store.reach import Reach
from sluicegate.store.redis import RedisBackend
from sluicegate.store.servers import Servers

if TYPE_CHECKING:
    from sluicegate.apidef.policy import PolicyBook
    from sluicegate.notifications import Notifications
    from sluicegate.settings.model import Settings
    from sluicegate.store.backend import Backend
    from sluicegate.store.open import Stores
    from sluicegate.store.shared_counters import SharedCounters


class NodeMemory:
    """What the workers of a node share of the store, made before the first is started.

    node_id: by which others know this node. lease_sheets: one for each worker, which outlives it.
    tally, refusals: for all of them.
    last_server_count: how many nodes were heard of last, this one included; 0: none yet.
    """

    def __init__(self, node_id: str, counters: SharedCounters, workers: int) -> None:
        self.node_id, self.counters = node_id, counters
        self.lease_sheets = [mmap.mmap(-1, BYTES) for _ in range(workers)]
        self.tally, self.refusals = Tally(), Refusals()
        self.last_server_count = memoryview(mmap.mmap(-1, 8)).cast("q")


class StoreRoad:
    """The parts of one worker that requests meet the store by."""

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        policies: PolicyBook,
        node: NodeMemory,
        index: int,
        log: Callable[..., None],
    ) -> None:
        """Put them together. Raises ConfigError."""
        self._settings, self._index, self._log = settings, index, log
        self._backend = backend = stores.main
        self.refusals = node.refusals
        self._is_shared = isinstance(backend, RedisBackend)
        timeout_s = settings.sluicegate.store_failure.timeout_s
        self.reach = _reach(backend, timeout_s)
        self._cache_reach = self.reach if stores.cache is backend else _reach(stores.cache, timeout_s)
        tags = settings.db_app_conf_options.tags if settings.db_app_conf_options.node_is_segmented else []
        self.servers = Servers(node.node_id, "".join(tags), node.last_server_count)
        self.keys = KeyStore(settings, backend, policies, node.counters, log, self.reach)
        self.oauth = make_oauth(backend, self.keys, self.reach, settings.sluicegate.store_failure.stale_sessions_s)
        around = Surroundings(self.reach, self.servers, node.lease_sheets[index], node.tally, node.refusals)
        self.limiter = make_limiter(settings, backend, node.counters, around)
        self.cache = make_cache(stores.cache, self._cache_reach)
        self._saved_keys = self._keys_file(log) if self._is_shared else None

    def prepare(self) -> None:
        """Learn what can be known without the store, before the first request."""
        if self._saved_keys is not None:
            self._saved_keys.load()

    def works(self, notifications: Notifications) -> list[Coroutine[Any, Any, None]]:
        """Begin to serve; return what is to run beside the serving."""
        self.limiter.start()
        works = []
        if self._announces:
            every_s = self._settings.drl_notification_frequency
            works.append(notifications.announce(self.servers.announcement, every_s))
        if self._saved_keys is not None:
            works.append(self._saved_keys.run())
        if self._is_shared and self._index == 0:
            works.append(self.refusals.watch(self._log, self._backend.was_away_since))
        return works

    async def close(self) -> None:
        """Give back what is held, and save what is known."""
        await self.limiter.close()
        await self.reach.close()
        await self._cache_reach.close()
        await self.keys.close()
        if self._saved_keys is not None:
            self._saved_keys.save()

    @property
    def _announces(self) -> bool:
        """Whether this worker tells other nodes of its node: one of each does, where nodes count each other."""
        counts = self._settings.cluster.enabled or self._settings.sluicegate.limiter != ""
        return self._index == 0 and self._is_shared and counts

    def _keys_file(self, log: Callable[..., None]) -> KnownKeysFile | None:
        settings = self._settings
        path = settings.sluicegate.store_failure.saved_sessions
        if not path:
            return None
        secret = settings.security.private_certificate_encoding_secret or settings.secret
        if not secret:
            what = "keys are saved under a secret, and there is none"
            raise ConfigError("sluicegate.store_failure.saved_sessions", what, "set `secret`")
        return KnownKeysFile(Path(path), self._index, secret, self.keys.known, log)


def _reach(store: Backend, timeout_s: float) -> Reach:
    """Return how long a store is waited for; one that keeps somebody waiting is told of as one that is away."""
    if isinstance(store, RedisBackend):
        return Reach(store, timeout_s, store.too_slow, store.answers)
    return Reach(store, timeout_s)
