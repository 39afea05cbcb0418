"""A load without a node: definitions and policies are read and built as a worker does it, and nothing is served.

So `check` finds all that a load would find, patterns and certificates included. The store is in memory; no file is
written, no port opened, nobody called.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sluicegate.apidef.policy import PolicyBook
from sluicegate.chain.services import Services
from sluicegate.cli.cluster_store import opened
from sluicegate.cluster.document import API, POLICY, Key
from sluicegate.errors import ConfigError, StoreError
from sluicegate.listener.tls import ServerTls
from sluicegate.routing.build import Builder, close
from sluicegate.routing.reload import Reloader, stand_in
from sluicegate.routing.sources import read_all, sources_of
from sluicegate.settings.model import Settings
from sluicegate.store.cache import make_cache
from sluicegate.store.certificates import Certificates
from sluicegate.store.keys import KeyStore
from sluicegate.store.limiters import make_limiter
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.open import redis_blocks
from sluicegate.store.reach import Reach
from sluicegate.store.redis.options import tls_context
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.upstream.health import HostHealth
from sluicegate.upstream.tls import UpstreamTls
from sluicegate.upstream.upstream import UpstreamParts

if TYPE_CHECKING:
    from sluicegate.routing.route import Route
    from sluicegate.upstream.target import Target


@dataclass(slots=True)
class Rehearsal:
    """What a load comes to: how many APIs and policies would be in force, and what is wrong with the rest."""

    apis: int = 0
    policies: int = 0
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)


class NoPool:
    """In place of the connections of a target: there are none."""

    def close(self) -> None:
        """Nothing to let go of."""


def rehearse(settings: Settings) -> Rehearsal:
    """Load everything that the settings lead to."""
    with closing(SharedCounters(None)) as counters:
        return asyncio.run(_rehearse(settings, counters))


async def _rehearse(settings: Settings, counters: SharedCounters) -> Rehearsal:
    result = Rehearsal(errors=_store_problems(settings))
    folder = Path(settings.app_path)
    if settings.app_path != Settings().app_path and not folder.is_dir():
        result.warnings.append(ConfigError("app_path", f"there is no folder {folder}, so there are no APIs"))
    try:
        found = await read_all(sources_of(settings))
    except ConfigError as error:
        result.errors.append(error)
        return result
    policies = PolicyBook()
    if found.policies is not None:
        policies.replace(found.policies)
    certificates = Certificates()
    reloader = rehearsal_reloader(settings, counters, certificates, policies)
    report = await reloader.load(found.apis, found.refused)
    routes = reloader.table.routes
    result.apis, result.policies = report.loaded, len(policies)
    result.errors += report.refused + found.problems + _tls_problems(settings, routes, certificates)
    result.warnings += [ConfigError("", notice) for notice in report.notices]
    for route in routes:
        result.warnings += _misplaced(route)
        close(route)
    if settings.cluster.enabled:
        own = [Key(API, route.api_id) for route in routes] + [Key(POLICY, policy_id) for policy_id in policies]
        result.warnings += await _hidden(settings, own)
    return result


async def _hidden(settings: Settings, own: list[Key]) -> list[ConfigError]:
    """Say which documents the cluster has too, so that those of the files are not served."""
    try:
        async with opened(settings) as store:
            shared = await store.documents.entries(own)
    except (StoreError, ConfigError) as error:
        return [ConfigError("cluster", f"what the cluster shares cannot be read: {error}")]
    what = "is in files of this node and in the cluster; the cluster's is served"
    return [ConfigError(str(key), what, "remove one of them") for key in shared]


def rehearsal_reloader(
    settings: Settings, counters: SharedCounters, certificates: Certificates, policies: PolicyBook | None = None
) -> Reloader:
    """Return what loads and builds as a worker's does, and opens nothing."""
    reloader = Reloader(settings, stand_in("none"), stand_in("control"), lambda *_: None)
    parts = UpstreamParts(UpstreamTls(), certificates, HostHealth(), _no_pool)
    services = _services(settings, policies if policies is not None else PolicyBook(), counters)
    reloader.builder = Builder(services, parts, reloader.find)
    return reloader


def _services(settings: Settings, policies: PolicyBook, counters: SharedCounters) -> Services:
    backend = MemoryBackend()
    return Services(
        settings,
        KeyStore(settings, backend, policies, counters),
        policies,
        make_limiter(settings, backend, counters),
        make_cache(backend, Reach(backend, 1.0)),
        lambda *_arguments, **_fields: None,
    )


def _no_pool(_target: Target) -> NoPool:
    return NoPool()


def _store_problems(settings: Settings) -> list[ConfigError]:
    """Say which files of a store's TLS cannot be used."""
    problems = []
    for name, block in redis_blocks(settings):
        try:
            tls_context(block, name)
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
