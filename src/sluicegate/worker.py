"""One worker: its life from the first load to the last answer, and the node as its admin API sees it.

    start     store, first load, listeners; then the supervisor hears that it serves
    reload    on every worker together, so that a change is in force everywhere when its answer goes out
    drain     `/ready` says 503, listeners close, what is under way ends, exit

The parts are put together in `assembly`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from sluicegate import __version__
from sluicegate.admin.node import ChangesRefused, Check, DebugAnswer, DebugRequest, More, ReloadError
from sluicegate.apidef.api import Api
from sluicegate.clock import ticks
from sluicegate.cluster.document import Key
from sluicegate.configuration import Configuration
from sluicegate.errors import StoreError
from sluicegate.listener.colleagues import Colleagues, NotDoneError
from sluicegate.store.backend import LocalBackend
from sluicegate.store.notices import (
    GROUP_RELOAD,
    PURGE_LAPSED_TOKENS,
    Notice,
    certificates_changed,
    client_changed,
    keys_changed,
)
from sluicegate.store.oauth_purge import OAuthPurge
from sluicegate.store.redis import RedisBackend
from sluicegate.trial import try_request

if TYPE_CHECKING:
    from sluicegate.apidef.policy import PolicyBook
    from sluicegate.assembly import Parts
    from sluicegate.chain.services import Services
    from sluicegate.cluster.documents import Change, Documents, State
    from sluicegate.cluster.member import Member
    from sluicegate.cluster.status import Status
    from sluicegate.presence import Presence
    from sluicegate.settings.model import Settings
    from sluicegate.store.backend import Backend
    from sluicegate.store.keys import KeyStore

SWEEP_S = 1.0
DRAIN_LOOK_S = 0.05
CERTIFICATES_LOOK_S = 60.0


class Worker:
    """Serves with its parts, and is the `admin.node.Node` of its admin API."""

    version = f"v{__version__}"

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.services: Services = parts.services
        self.services.oauth.tell = self.forget_keys
        oauth = parts.services.oauth.records
        self.purge = OAuthPurge(oauth, lambda: self.settings.oauth_token_expired_retain_period, parts.services.log)
        self.keys: KeyStore = parts.services.keys
        self.policies: PolicyBook = parts.services.policies
        self.store: Backend = parts.backend
        self.colleagues: Colleagues | None = None
        self.is_draining = False
        self.is_serving = False
        self.configuration = Configuration(parts)
        self.member: Member | None = None
        self.presence: Presence | None = None
        self.ended = asyncio.Event()
        self.tasks: set[asyncio.Task[Any]] = set()
        self._health: dict[str, Check] = {}

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.services.settings

    # -- life

    async def run(self, colleagues: Colleagues) -> None:
        """Serve until told to drain."""
        self.colleagues = colleagues
        self.keys.ask_colleagues = self.ask_for_known_key
        parts = self.parts
        parts.road.prepare()
        parts.last_good.tell = colleagues.remember if not parts.index else None
        if self.member is not None:
            assert self.presence is not None
            self.spawn(self.presence.run())  # the others see that it starts, however much it has to load
        await self.configuration.load(may_empty=False)
        if self.member is not None:
            self.member.follower.saves = not parts.index
            await self.member.follower.start()
            self.spawn(self.member.follower.run())
        await parts.open_listeners()
        for work in (
            *parts.road.works(parts.notifications),
            parts.recorder.run(),
            parts.metrics.run(),
            self.watch_store(),
            self.sweep(),
            self.watch_certificates(),
            *(() if parts.index else (self.purge.run(),)),
        ):
            self.spawn(work)
        parts.notifications.listen()
        self.is_serving = True
        gc.collect()
        gc.freeze()
        colleagues.say_ready()
        await self.ended.wait()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.member is not None and self.presence is not None and not parts.index:
            await self.presence.leave()
        await parts.close()

    def spawn(self, work: Any) -> None:
        """Run something beside the serving, until the worker ends."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def sweep(self) -> None:
        """Once a second, end what waits too long for an upstream."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.parts.sweep_pools(ticks())

    def drain(self) -> None:
        """Finish what is under way, take nothing new, and end."""
        if not self.is_draining:
            self.is_draining = True
            asyncio.get_running_loop().create_task(self.end_when_drained()).add_done_callback(
                lambda _: self.ended.set()
            )

    async def end_when_drained(self) -> None:
        """Wait until the last answer is out, at most the grace period."""
        settings = self.settings
        for listener in self.parts.listeners.values():
            listener.retire()
        await asyncio.sleep(settings.graceful_shutdown_delay_seconds)
        for listener in self.parts.listeners.values():
            listener.stop_accepting()
        limit = ticks() + settings.graceful_shutdown_timeout_duration
        while ticks() < limit and not self.parts.are_drained:  # noqa: ASYNC110 - once in a life
            await asyncio.sleep(DRAIN_LOOK_S)

    # -- what is known of keys

    async def ask_for_known_key(self, place: bytes) -> None:
        """Have the other workers say what they know of a key, while the store is away."""
        assert self.colleagues is not None
        with contextlib.suppress(NotDoneError, TimeoutError):
            async with asyncio.timeout(self.settings.sluicegate.store_failure.timeout_s):
                await self.colleagues.all_do("tell_known_key", place)

    # -- admin.node.Node

    def apis(self) -> list[Api]:
        """Return the definitions in force."""
        return [route.served_api for route in self.parts.reloader.table.routes]

    def find_api(self, api_id: str) -> Api | None:
        """Return the definition with that id, or None."""
        route = self.parts.reloader.table.by_id.get(api_id)
        return route.served_api if route is not None else None

    async def reload(self, api_id: str = "", *, may_empty: bool = False) -> None:
        """Have every worker read definitions and policies again. Raises ReloadError."""
        assert self.colleagues is not None
        try:
            await self.colleagues.all_do("reload", msgspec.msgpack.encode((api_id, may_empty)))
        except NotDoneError as error:
            raise ReloadError(str(error)) from None

    @property
    def shares(self) -> bool:
        """Whether what is written here is the cluster's."""
        return self.member is not None

    def shared_generation(self, key: Key) -> int:
        """Return which generation wrote the document that is in force, 0 when the cluster has none."""
        entry = self.member.follower.in_force.get(key) if self.member is not None else None
        return entry.generation if entry is not None else 0

    def shared_settings(self) -> bytes:
        """Return the settings that the cluster shares, as far as they are in force."""
        return self.configuration.shared.settings.document

    @property
    def documents(self) -> Documents:
        """The cluster's documents and their history."""
        assert self.member is not None
        return self.member.documents

    async def share(
        self,
        changes: Sequence[Change],
        author: str,
        note: str = "",
        expected: int | None = None,
        more: More | None = None,
    ) -> int:
        """Write to the cluster; return the generation when every worker of this node serves by it."""
        assert self.member is not None
        follower = self.member.follower
        all_changes = [*changes]

        async def prepare(_state: State) -> Sequence[Change]:
            if more is not None:
                await follower.sync()
                all_changes[len(changes) :] = await more()
            await self._accept(all_changes)
            return all_changes

        state = await self.member.writer.commit(prepare, author, note, expected)
        return await self._followed(state, all_changes)

    async def roll_back(self, generation: int, author: str) -> int:
        """Share again what was shared at an earlier generation."""
        assert self.member is not None
        undone: list[Change] = []

        async def accept(changes: Sequence[Change]) -> None:
            undone[:] = changes
            await self._accept(changes)

        return await self._followed(await self.member.writer.roll_back(generation, author, accept), undone)

    async def _accept(self, changes: Sequence[Change]) -> None:
        """Try changes on the newest generation. Raises ChangesRefused."""
        assert self.member is not None
        await self.member.follower.sync()
        errors = await self.configuration.refusals({change.key: change.content for change in changes})
        if errors:
            raise ChangesRefused(errors)

    async def _followed(self, state: State, changes: Sequence[Change]) -> int:
        """Return the generation of a state when every worker of this node serves by it. Raises ReloadError."""
        assert self.colleagues is not None
        try:
            await self.colleagues.all_do("follow", msgspec.msgpack.encode([change.key for change in changes]))
        except NotDoneError as error:
            raise ReloadError(f"written as generation {state.generation}, but not in force here: {error}") from None
        return state.generation

    async def cluster_status(self) -> Status:
        """Return how the cluster is, as far as it is known."""
        assert self.presence is not None
        return await self.presence.status()

    async def reload_group(self) -> None:
        """Ask every node that shares the store to reload."""
        await self.parts.notifications.send(Notice(GROUP_RELOAD))
        await self.reload()

    async def forget_keys(self, names: Iterable[str]) -> None:
        """Drop cached copies of sessions on every worker, and have other nodes do so."""
        listed = list(names)
        await self._everywhere("forget_keys", msgspec.msgpack.encode(listed), keys_changed(listed))

    async def renew_certificates(self, ids: Iterable[str]) -> None:
        """Serve by what the store holds of certificates now, on every worker, and have other nodes do so."""
        listed = list(ids)
        await self._everywhere("renew_certificates", msgspec.msgpack.encode(listed), certificates_changed(listed))

    async def client_changed(self, name: str) -> None:
        """Serve by what the store holds of an OAuth client now, on every worker, and have other nodes do so."""
        await self._everywhere("ask_for_client", name.encode("utf-8", "surrogateescape"), client_changed(name))

    async def _everywhere(self, deed: str, argument: bytes, notice: Notice) -> None:
        """Have every worker of this node do something, and then tell the other nodes."""
        assert self.colleagues is not None
        await self.colleagues.all_do(deed, argument)
        await self.parts.notifications.send(notice)

    async def purge_lapsed_tokens(self) -> None:
        """Take lapsed OAuth tokens out of their lists, and have other nodes do so."""
        await self.purge.purge()
        await self.parts.notifications.send(Notice(PURGE_LAPSED_TOKENS))

    def purge_by_notice(self) -> None:
        """Another node wants lapsed OAuth tokens to go; one worker of each node sees to it."""
        if not self.parts.index:
            self.spawn(self.purge.purge_if_first())

    async def clear_cache(self, api_id: str) -> None:
        """Forget all stored responses of an API on every worker."""
        assert self.colleagues is not None
        try:
            await self.colleagues.all_do("clear_cache", api_id.encode())
        except NotDoneError as error:
            raise StoreError(str(error)) from None

    def health(self) -> dict[str, Check]:
        """Return the last results of the health checks, and what is wrong with what the cluster shares."""
        trouble = self.member.follower.trouble if self.member is not None else ""
        if not trouble or not self._health:
            return self._health
        has_failed = all(check.status == "fail" for check in self._health.values())
        return {**self._health, "configuration": checked("system", "fail" if has_failed else "warn", trouble)}

    def ready(self, *, needs_store: bool = True) -> tuple[bool, str]:
        """Return whether requests can be served, and if not, why (contract 04.2)."""
        if needs_store and any(check.status == "fail" for check in self._health.values()):
            return False, "Redis connection not available"
        has_loaded = self.configuration.has_loaded
        if self.member is not None:
            follower = self.member.follower
            has_loaded = has_loaded and bool(follower.last_sync or follower.is_from_snapshot)
        return has_loaded, "" if has_loaded else "A successful API reload did not happen"

    async def debug_request(self, api: Api, request: DebugRequest) -> DebugAnswer:
        """Run one request through a definition that is not loaded."""
        await self.configuration.prepare([api])
        return await try_request(self.parts.serve, self.parts.builder, api, request)

    def catch_up(self) -> None:
        """Messages of other nodes may have been missed: go by nothing that is only remembered."""
        self.keys.forget_all()
        self.reload_own()
        if self.member is not None:
            self.member.follower.hint(is_gap=True)

    def reload_own(self) -> None:
        """Another node says that files have changed, or something that the cluster shares."""
        if not self.settings.suppress_redis_signal_reload:
            self.spawn(self.configuration.load(may_empty=False))
        self.follow()

    def follow(self) -> None:
        """Somebody says that something has changed that the cluster shares."""
        if self.member is not None:
            self.member.follower.hint()

    async def watch_certificates(self) -> None:
        """Look again and again at the certificates that are named, since nodes of Tyk tell nobody what they write."""
        while not isinstance(self.store, LocalBackend):
            await asyncio.sleep(CERTIFICATES_LOOK_S)
            await self.configuration.renew_certificates()

    async def watch_store(self) -> None:
        """Look every now and then whether the store answers; that it does at the start is not said (contract 04.2)."""
        interval_s = self.settings.liveness_check.check_duration / 1e9
        name = "redis" if isinstance(self.store, RedisBackend) else "store"
        found = await self.store_health(interval_s)
        if found.status != "pass":
            self._health = {name: found}
        while True:
            await asyncio.sleep(interval_s)
            self._health = {name: await self.store_health(interval_s)}

    async def store_health(self, limit_s: float) -> Check:
        """Return what is told of the store."""
        status, output = "pass", ""
        try:
            async with asyncio.timeout(limit_s):
                health = await self.store.health()
            if not health.reachable:
                status, output = "fail", STORE_DOWN
            elif trouble := health.error or self.parts.road.refusals.reason:
                status, output = "warn", trouble
        except TimeoutError:
            status, output = "fail", "health check timed out"
        return checked("datastore", status, output)

    async def metrics_page(self) -> bytes:
        """Return the page of metrics over all workers."""
        assert self.colleagues is not None
        for _ in self.parts.metrics.publish():
            await asyncio.sleep(0)
        return await self.colleagues.metrics_page()


def checked(component_type: str, status: str, output: str) -> Check:
    """Return what a check has found just now."""
    return Check(status, output, component_type, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


STORE_DOWN = "storage: Redis is either down or was not configured"
