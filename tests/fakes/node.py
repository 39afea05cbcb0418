"""A node without sockets and workers around it: real folders, policies, keys and limits, one process.

`Reload` is what the real one does, without routes: definitions and policies are read from the settings' folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from tests.fakes.exchange import make_services, settings_of

from sluicegate.admin.node import Check, DebugAnswer, DebugRequest, ReloadError
from sluicegate.apidef.api import Api
from sluicegate.apidef.gojson import convert
from sluicegate.apidef.policy import PolicyBook
from sluicegate.cluster.documents import State
from sluicegate.cluster.status import Status, status_of
from sluicegate.routing.sources import read_all, sources_of
from sluicegate.store.cache import MemoryCache
from sluicegate.store.keys import KeyStore
from sluicegate.store.limiters.node import NodeLimiter
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.names import cached_responses
from sluicegate.store.oauth_purge import OAuthPurge
from sluicegate.store.oauth_tokens import make_oauth
from sluicegate.store.reach import Reach
from sluicegate.store.shared_counters import SharedCounters

SECRET = "s3cret"


class FakeNode:
    """What `admin.node.Node` asks for.

    refuses: reasons by api_id: these definitions a reload does not accept.
    """

    version = "v0.0.0"
    is_draining = False

    def __init__(self, folder: Path, settings: Mapping[str, Any] | None = None) -> None:
        for name in ("apps", "policies"):
            (folder / name).mkdir()
        tree = {
            "secret": SECRET,
            "app_path": str(folder / "apps"),
            "policies": {"policy_path": str(folder / "policies")},
            "listen_address": "127.0.0.1",
            "hash_key_function": "murmur64",
            **(settings or {}),
        }
        self.folder = folder
        self.settings = settings_of(tree)
        self.policies = PolicyBook()
        self.store = MemoryBackend()
        counters = SharedCounters(None)
        self.keys = KeyStore(self.settings, self.store, self.policies, counters)
        self.cache = MemoryCache()
        oauth = make_oauth(self.store, self.keys, Reach(self.store, 1.0))
        limiter = NodeLimiter(counters)
        self.services = make_services(self.settings, self.keys, limiter, self.cache, self.policies, oauth)
        self.refuses: dict[str, str] = {}
        self.reloads = 0
        self.group_reloads = 0
        self.forgotten: list[str] = []
        self.renewed: list[str] = []
        self.details: dict[str, dict[str, Any]] = {}
        self.not_ready = ""
        self.store_is_away = False
        self._apis: dict[str, Api] = {}

    def apis(self) -> list[Api]:
        return list(self._apis.values())

    def find_api(self, api_id: str) -> Api | None:
        return self._apis.get(api_id)

    async def reload(self, api_id: str = "", *, may_empty: bool = False) -> None:
        self.reloads += 1
        found = await read_all(sources_of(self.settings))
        apis = found.apis
        if not apis and self._apis and not may_empty:
            return
        self._apis = {api.api_id: self._placed(api, apis) for api in apis if api.api_id not in self.refuses}
        self.policies.replace(found.policies or {})
        if api_id and api_id not in self._apis:
            raise ReloadError(self.refuses.get(api_id, "not loaded"))

    shares = False

    def shared_generation(self, key: Any) -> int:
        return 0

    async def cluster_status(self) -> Status:
        return status_of(State(), [], shares=False)

    async def reload_group(self) -> None:
        self.group_reloads += 1

    async def forget_keys(self, names: Iterable[str]) -> None:
        self.forgotten.extend(names)

    async def renew_certificates(self, ids: Iterable[str]) -> None:
        self.renewed.extend(ids)

    async def client_changed(self, name: str) -> None:
        self.services.oauth.clients.told(name)

    async def purge_lapsed_tokens(self) -> None:
        await OAuthPurge(self.services.oauth.records, lambda: 0, self.services.log).purge()

    async def clear_cache(self, api_id: str) -> None:
        await self.cache.delete_prefix(cached_responses(api_id))

    def health(self) -> dict[str, Check]:
        return {name: convert(item, Check) for name, item in self.details.items()}

    def ready(self, *, needs_store: bool = True) -> tuple[bool, str]:
        why = "Redis connection not available" if needs_store and self.store_is_away else self.not_ready
        return not why, why

    async def debug_request(self, api: Api, request: DebugRequest) -> DebugAnswer:
        return DebugAnswer(200, [("X-Api", api.api_id)], f"{request.method} {request.body}".encode(), "{}\n")

    def _placed(self, api: Api, apis: list[Api]) -> Api:
        """Give those that want the same place their own, as routing does (contract 02.0)."""
        path = api.classic.proxy.listen_path
        old = self._apis.get(api.api_id)
        wanted = sum(1 for other in apis if other.classic.proxy.listen_path == path)
        if wanted < 2 or (old is not None and old.classic.proxy.listen_path == path):
            return api
        proxy = msgspec.structs.replace(api.classic.proxy, listen_path=f"{path}-{api.api_id}")
        return replace(api, classic=msgspec.structs.replace(api.classic, proxy=proxy))
