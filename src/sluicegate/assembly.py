"""The composition root: the one place that knows every part, and puts a node together of them.

run          in the supervisor: what all processes share, then the workers
run_worker   in a worker: its parts, its life (`worker.Worker`)
"""

from __future__ import annotations

import asyncio
import gc
import mmap
import socket
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sluicegate import __version__, log
from sluicegate.admin.app import create_app
from sluicegate.admin.routes import open_routes
from sluicegate.analytics.exposition import CONTENT_TYPE, page_maker
from sluicegate.analytics.finish import make_finish
from sluicegate.analytics.metrics import Layout, Metrics
from sluicegate.analytics.recorder import Recorder, make_recorder
from sluicegate.analytics.vitals import VitalSigns
from sluicegate.apidef.policy import PolicyBook
from sluicegate.chain.services import Services
from sluicegate.clock import now
from sluicegate.cluster.identity import address, node_id
from sluicegate.cluster.member import member_of, snapshot_path
from sluicegate.deeds import Deeds
from sluicegate.errors import ConfigError, StoreError
from sluicegate.listener.colleagues import Colleagues
from sluicegate.listener.control import Control, Page
from sluicegate.listener.error_page import ErrorPages
from sluicegate.listener.limits import limits_of
from sluicegate.listener.listener import ConnectionCounts, Listener
from sluicegate.listener.pid_file import pid_file
from sluicegate.listener.port_claim import LEAVING_S, claim_ports
from sluicegate.listener.ports import Ports
from sluicegate.listener.serve import Serve
from sluicegate.listener.supervisor import CANNOT_START, Supervisor
from sluicegate.listener.tls import ServerTls
from sluicegate.notifications import Notifications, signatures_of
from sluicegate.presence import Presence
from sluicegate.routing.build import Builder
from sluicegate.routing.last_good import LastGood
from sluicegate.routing.reload import Reloader, Report, stand_in
from sluicegate.routing.route import Route
from sluicegate.routing.sources import Sources, sources_of
from sluicegate.routing.table import Table
from sluicegate.settings.beside import beside
from sluicegate.settings.model import Settings
from sluicegate.store.backend import Backend
from sluicegate.store.certificates import Certificates
from sluicegate.store.open import Stores, open_stores
from sluicegate.store.redis.outage import silent
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.store.sqlite_file import check
from sluicegate.store_road import NodeMemory, StoreRoad
from sluicegate.upstream.dispatch import Dispatcher
from sluicegate.upstream.health import HealthChecks, HealthEvent, HostHealth
from sluicegate.upstream.pool import Pool, PoolCounts, PoolLimits
from sluicegate.upstream.probe import HealthCheck
from sluicegate.upstream.resolve import Resolver
from sluicegate.upstream.target import Target
from sluicegate.upstream.tls import UpstreamTls
from sluicegate.upstream.upstream import UpstreamParts
from sluicegate.worker import Worker

GRACE_BEYOND_S = 5.0
"""What the supervisor grants a worker beyond its grace period before it ends it by force."""

GC_THRESHOLDS = (50_000, 20, 50)


def log_line(level: str, message: str, **fields: object) -> None:
    """Write one line of the application log."""
    getattr(log.get(), level)(message, **fields)


@dataclass(frozen=True, slots=True)
class Shared:
    """What the processes of a node share, made before the first of them is started."""

    settings: Settings
    layout: Layout
    sheets: list[mmap.mmap]
    node: NodeMemory
    node_id: str = ""
    started: float = 0.0
    memory: dict[bytes, bytes] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, settings: Settings, counters: SharedCounters, workers: int, origins: Mapping[str, str] | None = None
    ) -> Shared:
        """Return what so many workers share. origins: of the settings, see `Loaded`."""
        layout = Layout(settings.sluicegate.prometheus.max_apis)
        name = node_id(settings, beside(snapshot_path(settings), ".node"), log_line)
        sheets = [mmap.mmap(-1, layout.size_bytes) for _ in range(workers)]
        return cls(settings, layout, sheets, NodeMemory(name, counters, workers), name, now(), origins=origins or {})


def run(settings: Settings, workers: int, origins: Mapping[str, str]) -> int:
    """Run a node until it is told to stop, and return its exit status. origins: of the settings, see `Loaded`."""
    path = None if settings.storage.type == "redis" else Path(settings.sluicegate.store_path)
    ports = {settings.listen_port, settings.control_api_port} - {0}
    try:
        claim_ports(settings.listen_address, ports, LEAVING_S + settings.graceful_shutdown_delay_seconds)
        if path is not None:
            check(path)
        counters = SharedCounters(beside(path, ".counters") if path is not None else None)
    except (ConfigError, StoreError) as error:
        log_line("error", "Cannot start", error=str(error))
        return 1
    if workers > 1:
        counters.share()
    shared = Shared.of(settings, counters, workers, origins)
    grace_s = settings.graceful_shutdown_delay_seconds + settings.graceful_shutdown_timeout_duration + GRACE_BEYOND_S
    log_line("info", "Starting", version=__version__, port=settings.listen_port, workers=workers)
    make_page = page_maker(shared.layout, shared.sheets, __version__)
    supervisor = Supervisor(
        workers, lambda index, channel: run_worker(shared, index, channel), make_page, log_line, grace_s, shared.memory
    )
    with pid_file(settings.pid_file_location, log_line):
        status = supervisor.run()
    counters.close()
    log_line("info", "Stopped")
    return status


def run_worker(shared: Shared, index: int, channel: socket.socket) -> int:
    """Run one worker to its end, and return its exit status."""
    gc.set_threshold(*GC_THRESHOLDS)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(serve(shared, index, channel))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return how event loops are made: uvloop's where there is uvloop, else Python's own."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def serve(shared: Shared, index: int, channel: socket.socket) -> int:
    """Be a worker."""
    try:
        parts = Parts.of(shared, index)
        worker = Worker(parts)
        parts.join(worker)
        signs = VitalSigns(shared.layout, shared.sheets)
        worker.presence = Presence(worker, signs, shared.node_id, address(shared.settings), shared.started)
        colleagues = await Colleagues.join(channel, Deeds(worker).by_name(), worker.drain, worker.drain)
        await worker.run(colleagues)
    except (ConfigError, StoreError) as error:
        log_line("error", "Cannot start", error=str(error))
        return CANNOT_START
    return 0


@dataclass(slots=True)
class Parts:
    """The parts of one worker. settings: the node's own; those in force, the cluster's over them, are in `services`."""

    settings: Settings
    origins: Mapping[str, str]
    index: int
    stores: Stores
    road: StoreRoad
    services: Services
    metrics: Metrics
    recorder: Recorder
    pages: ErrorPages
    sources: Sources
    resolver: Resolver
    tls: ServerTls | None
    last_good: LastGood
    loop: asyncio.AbstractEventLoop
    health: HostHealth = field(default_factory=HostHealth)
    pool_counts: PoolCounts = field(default_factory=PoolCounts)
    connection_counts: ConnectionCounts = field(default_factory=ConnectionCounts)
    busy_pools: set[Pool] = field(default_factory=set)
    listeners: Ports = field(default_factory=Ports)
    reloader: Reloader = field(init=False)
    builder: Builder = field(init=False)
    serve: Serve = field(init=False)
    checks: HealthChecks = field(init=False)
    control: Control = field(init=False)
    notifications: Notifications = field(init=False)

    @property
    def backend(self) -> Backend:
        """The main store."""
        return self.stores.main

    @classmethod
    def of(cls, shared: Shared, index: int) -> Parts:
        """Make the parts of a worker. Raises ConfigError, StoreError."""
        settings = shared.settings
        stores = open_stores(settings, silent if index else log_line)
        metrics = Metrics(shared.layout, shared.sheets[index])
        policies = PolicyBook()
        road = StoreRoad(settings, stores, policies, shared.node, index, log_line)
        certificates = Certificates()
        services = Services(settings, road.keys, policies, road.limiter, road.cache, road.oauth, log_line, certificates)
        return cls(
            settings,
            shared.origins,
            index,
            stores,
            road,
            services,
            metrics,
            make_recorder(settings, stores.analytics, metrics.count),
            ErrorPages(settings),
            sources_of(settings),
            Resolver.from_settings(settings),
            ServerTls(settings) if settings.http_server_options.use_ssl else None,
            LastGood(shared.memory, settings),
            asyncio.get_running_loop(),
        )

    def join(self, worker: Worker) -> None:
        """Join the parts that need each other, and the worker they serve."""
        settings = self.settings
        self.reloader = Reloader(settings, stand_in("none"), stand_in("control"), self.swap)
        parts = UpstreamParts(UpstreamTls(), self.services.certificates, self.health, self.open_pool)
        self.builder = self.reloader.builder = Builder(self.services, parts, self.reloader.find)
        finish = make_finish(self.recorder, self.metrics, log_line)
        self.serve = Serve(self.reloader.table, self.services, Dispatcher(self.loop), self.pages, finish)
        concurrent = settings.uptime_tests.config.checker_pool_size
        self.checks = HealthChecks(self.health, self.resolver, concurrent, tell_of_host)
        page = settings.sluicegate.prometheus
        pages = {page.path.encode(): Page(CONTENT_TYPE, worker.metrics_page)} if page.enabled else {}
        self.control = Control(
            create_app(worker),
            frozenset(path.encode() for path, _ in open_routes(settings)),
            (b"/tyk/",),
            pages,
            every=bool(settings.control_api_port),
        )
        deeds = Deeds(worker)
        self.notifications = Notifications(
            self.backend,
            settings.node_secret,
            signatures=signatures_of(settings, log_line if not self.index else silent),
            log=log_line,
            on_keys=self.services.keys.told,
            on_reload=worker.reload_own,
            on_generation=worker.follow,
            on_certificates=lambda ids: worker.spawn(worker.configuration.renew_certificates(ids)),
            on_client=self.services.oauth.clients.told,
            on_cache=lambda api_id: worker.spawn(deeds.clear_cache(api_id.encode())),
            on_purge=worker.purge_by_notice,
            on_gap=worker.catch_up,
            on_server=self.road.servers.hear,
        )
        if settings.cluster.enabled:
            take_over, tell = worker.configuration.take_over, self.notifications.tell_generation
            worker.member = member_of(settings, self.backend, take_over, tell, log_line)
        self.watch()

    def watch(self) -> None:
        """Have the metrics look at the counts of the parts."""
        counts, pools = self.connection_counts, self.pool_counts
        watch = self.metrics.watch
        watch("client_connections_total", lambda: counts.accepted)
        watch("client_connections_refused", lambda: counts.refused + counts.over_limit)
        watch("client_connections", lambda: sum(len(one.connections) for one in self.listeners.all))
        watch("streams", lambda: sum(one.tunnels for one in self.listeners.all))
        watch("upstream_opened", lambda: pools.opened)
        watch("upstream_reused", lambda: pools.reused)
        watch("upstream_active", lambda: sum(len(one.peers) - len(one.idle) for one in self.busy_pools))
        watch("upstream_idle", lambda: sum(len(one.idle) for one in self.busy_pools))

    # -- upstreams

    def open_pool(self, target: Target, settings: Settings) -> Pool:
        """Return the connections of a new target, by settings that are to be in force with it."""
        return Pool(target, self.resolver, PoolLimits.of(settings), self.pool_counts, self.busy_pools)

    def sweep_pools(self, now_ticks: float) -> None:
        """End what waits too long for an upstream."""
        for pool in list(self.busy_pools):
            pool.sweep(now_ticks)

    # -- reloads

    def swap(self, table: Table, came: Collection[Route], gone: Collection[Route]) -> None:
        """A new table is in force; these routes came and went with it."""
        self.serve.table = table
        begun = checks_of(came)
        if len(came) == len(table.routes):  # those that went need not be looked at
            self.checks.replace(begun)
            by_id = table.by_id
            self.metrics.keep_apis(lambda one: by_id[one].name if one in by_id else None, len(came))
        else:
            ended = checks_of(gone)
            self.checks.change(begun - ended, ended - begun)  # what a new version tests too goes on undisturbed
            names = {route.api_id: route.name for route in came}
            self.metrics.change_apis(names, {route.api_id for route in gone} - names.keys(), len(table.routes))
        self.metrics.set("generation", table.generation)

    def tell_of(self, report: Report, problems: Iterable[ConfigError]) -> None:
        """Say what came of a load, once for all workers."""
        self.metrics.set("reload_seconds", report.seconds)
        self.metrics.count("reloads_ok")
        if self.tls is not None:
            apis = [route.api for route in self.reloader.table.routes]
            problems = [*problems, *self.tls.reload(self.settings, apis, self.services.certificates)]
        if self.index:
            return
        for error in (*report.refused, *problems):
            log_line("error", "Refused", error=str(error))
        for notice in report.notices:
            log_line("warning", notice)
        log_line(
            "info",
            "Loaded",
            apis=report.loaded,
            built=report.built,
            refused=len(report.refused),
            seconds=round(report.seconds, 3),
        )

    # -- listeners

    async def open_listeners(self) -> None:
        """Open the ports. Raises ConfigError."""
        settings = self.settings
        control_port = settings.control_api_port
        await self.open_listener(settings.listen_port, None if control_port else self.control)
        if control_port:
            await self.open_listener(control_port, self.control, serves_apis=False)
        await self.sync_listeners()

    async def open_listener(self, port: int, control: Control | None, *, serves_apis: bool = True) -> None:
        """Open one port."""
        listener = Listener(
            self.loop,
            self.serve,
            limits_of(self.services.settings),
            self.connection_counts,
            address=self.settings.listen_address,
            port=port,
            control=control,
            serves_apis=serves_apis,
            proxy_protocol=self.settings.sluicegate.proxy_protocol,
            tls=self.tls,
        )
        await listener.open()
        self.listeners[port] = listener

    @property
    def are_drained(self) -> bool:
        """True when no answer is awaited, and no call of the gateway API goes on whose client has hung up."""
        return not self.control.under_way and all(listener.is_drained for listener in self.listeners.all)

    async def sync_listeners(self) -> None:
        """Open the ports that APIs have of their own, and close those that no API has any more."""
        settings = self.settings
        if settings.listen_port not in self.listeners:
            return
        own = {settings.listen_port, settings.control_api_port}
        wanted = self.reloader.table.ports - own
        for port in wanted - self.listeners.keys():
            try:
                await self.open_listener(port, None)
            except ConfigError as error:
                log_line("error", "Cannot listen on the port of an API", error=str(error))
        for port in self.listeners.keys() - wanted - own:
            self.listeners.leave(port)

    async def close(self) -> None:
        """Let go of everything."""
        for listener in self.listeners.all:
            listener.close()
        await self.checks.close()
        await self.recorder.close()
        await self.road.close()
        for pool in list(self.busy_pools):
            pool.close()
        await self.stores.close()


def checks_of(routes: Iterable[Route]) -> set[HealthCheck]:
    """Return the health checks of some routes."""
    return {check for route in routes for check in route.checks}


def tell_of_host(event: HealthEvent) -> None:
    """Log that a host went down or came back."""
    level = "warning" if event.name == "HostDown" else "info"
    log_line(level, event.name, prefix="host-check-mgr", url=event.check.url, api_id=event.check.api_id)
