"""A load without a node: definitions and policies are read and built as a worker does it, and nothing is served.

So `check` finds all that a load would find, patterns and certificates included. The store is in memory; no file is
written, no port opened, nobody called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sluicegate.analytics.normalise import make_normaliser
from sluicegate.apidef.policy import PolicyBook
from sluicegate.apidef.unknown import unknown_fields, unknown_policy_fields
from sluicegate.chain.services import Services
from sluicegate.cli.cluster_store import opened
from sluicegate.cluster.document import API, POLICY, SETTINGS_KEY, Key
from sluicegate.errors import ConfigError, StoreError
from sluicegate.listener.error_page import ErrorPages
from sluicegate.listener.tls import ServerTls
from sluicegate.routing.build import Builder, close
from sluicegate.routing.reload import Reloader, stand_in
from sluicegate.routing.shared import settings_with, shared_settings_of
from sluicegate.routing.sources import Found, read_all, sources_of
from sluicegate.settings.model import Settings
from sluicegate.settings.shared import SharedSettings, overruled
from sluicegate.store.cache import make_cache
from sluicegate.store.certificates import Certificates
from sluicegate.store.keys import KeyStore
from sluicegate.store.limiters import make_limiter
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.notice_signatures import read_public_key
from sluicegate.store.oauth_tokens import make_oauth
from sluicegate.store.open import redis_blocks
from sluicegate.store.reach import Reach
from sluicegate.store.redis.options import tls_context
from sluicegate.store.redis.outage import silent
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.upstream.health import HostHealth
from sluicegate.upstream.tls import UpstreamTls
from sluicegate.upstream.upstream import UpstreamParts

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.routing.route import Route
    from sluicegate.upstream.target import Target


@dataclass(slots=True)
class Rehearsal:
    """What a load comes to: how many APIs and policies would be in force, and what is wrong with the rest."""

    apis: int = 0
    policies: int = 0
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)

    def see(self, api: Api, texts: Sequence[bytes]) -> None:
        """A definition was read; say what of it nobody else will read."""
        for text in texts:
            self.warnings += unknown_fields(text, api.source)

    def see_policy(self, document: Any, where: str) -> None:
        """A policy was read; say what of it nobody else will read."""
        self.warnings += unknown_policy_fields(document, where)

    def hear(self, _level: str, message: str, *, api_id: str, path: str, error: str) -> None:
        """Take what a step has to log of an endpoint when it is built: the API is served nevertheless."""
        self.warnings.append(ConfigError(f"{api_id}: {path}", f"{message}: {error}"))


class NoPool:
    """In place of the connections of a target: there are none."""

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(slots=True)
class ClustersPart:
    """What the cluster has to do with this node's files.

    hidden:   what both have, of APIs and policies.
    settings: what is shared of settings.
    problem:  why it cannot be told, or what is wrong with the settings; or None.
    """

    hidden: list[Key] = field(default_factory=list)
    settings: SharedSettings = field(default_factory=SharedSettings)
    problem: ConfigError | None = None


def rehearse(settings: Settings, origins: Mapping[str, str]) -> Rehearsal:
    """Load everything that the settings lead to. origins: where each was set, see `Loaded`."""
    with closing(SharedCounters(None)) as counters:
        return asyncio.run(_rehearse(settings, origins, counters))


async def _rehearse(own: Settings, origins: Mapping[str, str], counters: SharedCounters) -> Rehearsal:
    result = Rehearsal(errors=_own_problems(own))
    folder = Path(own.app_path)
    if own.app_path != Settings().app_path and not folder.is_dir():
        result.warnings.append(ConfigError("app_path", f"there is no folder {folder}, so there are no APIs"))
    try:
        sources = sources_of(own)
        sources.definitions.on_parsed = result.see
        if sources.policies is not None:
            sources.policies.on_parsed = result.see_policy
        found = await read_all(sources)
    except ConfigError as error:
        result.errors.append(error)
        return result
    cluster = await _clusters_part(own, found) if own.cluster.enabled else ClustersPart()
    settings, problem = _in_force(own, cluster)
    policies = PolicyBook()
    if found.policies is not None:
        policies.replace(found.policies)
    certificates = Certificates()
    reloader = rehearsal_reloader(settings, counters, certificates, policies, result.hear)
    report = await reloader.load(found.apis, found.refused)
    routes = reloader.table.routes
    result.apis, result.policies = report.loaded, len(policies)
    result.errors += report.refused + found.problems + _tls_problems(settings, routes, certificates)
    result.warnings += [ConfigError("", notice) for notice in report.notices]
    for route in routes:
        result.warnings += _misplaced(route)
        close(route)
    what = "is in files of this node and in the cluster; the cluster's is served"
    result.warnings += [ConfigError(str(key), what, "remove one of them") for key in cluster.hidden]
    result.warnings += overruled(own, origins, cluster.settings)
    result.warnings += [problem] if problem is not None else []
    return result


async def _clusters_part(settings: Settings, found: Found) -> ClustersPart:
    """Return what the cluster shares of settings, and which documents it has too, so that files' are not served."""
    part = ClustersPart()
    own = [Key(API, api.api_id) for api in found.apis] + [Key(POLICY, one) for one in found.policies or ()]
    try:
        async with opened(settings) as store:
            part.hidden = list(await store.documents.entries(own))
            content = (await store.contents([SETTINGS_KEY])).get(SETTINGS_KEY)
    except (StoreError, ConfigError) as error:
        part.problem = ConfigError("cluster", f"what the cluster shares cannot be read: {error}")
        return part
    try:
        part.settings = shared_settings_of(content) if content is not None else part.settings
    except ConfigError as error:
        part.problem = error.kept()
    return part


def _in_force(own: Settings, cluster: ClustersPart) -> tuple[Settings, ConfigError | None]:
    """Return the settings that this node would serve by, and what speaks against the cluster's."""
    if not own.cluster.enabled:
        return own, None
    try:
        return settings_with(own, cluster.settings), cluster.problem
    except ConfigError as error:
        return own, error.kept()


def rehearsal_reloader(
    settings: Settings,
    counters: SharedCounters,
    certificates: Certificates,
    policies: PolicyBook | None = None,
    log: Callable[..., None] = silent,
) -> Reloader:
    """Return what loads and builds as a worker's does, and opens nothing. log: is told what steps log when built."""
    reloader = Reloader(settings, stand_in("none"), stand_in("control"), lambda *_: None)
    parts = UpstreamParts(UpstreamTls(), certificates, HostHealth(), _no_pool)
    services = _services(settings, policies if policies is not None else PolicyBook(), counters, log)
    services.certificates = certificates
    reloader.builder = Builder(services, parts, reloader.find)
    return reloader


def _services(settings: Settings, policies: PolicyBook, counters: SharedCounters, log: Callable[..., None]) -> Services:
    backend = MemoryBackend()
    keys, reach = KeyStore(settings, backend, policies, counters), Reach(backend, 1.0)
    return Services(
        settings,
        keys,
        policies,
        make_limiter(settings, backend, counters),
        make_cache(backend, reach),
        make_oauth(backend, keys, reach),
        log,
    )


def _no_pool(_target: Target, _settings: Settings) -> NoPool:
    return NoPool()


def _own_problems(settings: Settings) -> list[ConfigError]:
    """Say what cannot be made of the settings alone: files of a store's TLS, a Dashboard's key, error pages, paths."""
    made: list[Callable[[], Any]] = [partial(tls_context, block, name) for name, block in redis_blocks(settings)]
    made += [
        partial(read_public_key, settings.public_key_path),
        partial(ErrorPages, settings),
        partial(make_normaliser, settings.analytics_config.normalise_urls),
    ]
    problems = []
    for make in made:
        try:
            make()
        except ConfigError as error:
            problems.append(error)
    return problems


def _tls_problems(settings: Settings, routes: tuple[Route, ...], certificates: Certificates) -> list[ConfigError]:
    if not settings.http_server_options.use_ssl:
        return []
    try:
        return list(ServerTls(settings).reload(settings, [route.api for route in routes], certificates))
    except ConfigError as error:
        return [error]


def _misplaced(route: Route) -> list[ConfigError]:
    """Say of an API that is loaded why it is not served, or not where its definition says."""
    if route.api.problem:
        return [ConfigError(f"{route.api.source}: listen_path", f"loaded, but not served: {route.api.problem}")]
    wanted = route.api.classic.proxy.listen_path
    if route.listen_path != wanted:
        what = f"{wanted} is wanted by several APIs; this one is served at {route.listen_path}"
        return [ConfigError(f"{route.api.source}: listen_path", what, "give each API a listen path of its own")]
    return []
