"""Metrics: every name, and the counting of them in a worker.

Three kinds, told apart by what they cost:

    of each request   `observe`, called when the answer has left
    of parts          connections, pools: the parts keep plain ints of their own, and are read once a second (`watch`)
    of rare events    `count` and `set`: reloads, records that were lost

Once a second all of it is published in a sheet (see `sheet`), so that the supervisor reads the numbers of all workers
without asking them; `exposition` makes Prometheus text of them. Labels are bounded: an API gets series of its own while
there is room (`sluicegate.prometheus.max_apis`), those beyond are counted as `other`; statuses that are not in
`STATUSES` are counted by class. `do_not_track` does not hide an API here: a metric names no client.
"""

from __future__ import annotations

import asyncio
import os
import resource
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import pack_into, unpack_from
from typing import TYPE_CHECKING, Final

from sluicegate.analytics.sheet import CELL, MARK, Memory, Rows, Table, new_sheet
from sluicegate.clock import ticks

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange
    from sluicegate.routing.route import Route

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"
SUM, MAX, EACH = "sum", "max", "each"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the node, with one cell of the sheet, or with its buckets and their sum.

    labels:  fixed labels, as they stand between the braces.
    help:    one sentence; empty where the metric of the same name before has said it.
    over:    what becomes of the workers' numbers: their SUM, the MAX, or EACH with a label `worker`.
    bounds:  of a histogram: the upper bounds of its buckets.
    """

    name: str
    kind: str
    help: str
    labels: str = ""
    over: str = SUM
    bounds: tuple[float, ...] = ()

    @property
    def cells(self) -> int:
        """Cells that it needs: one, or its buckets (the last is +Inf) and the sum."""
        return len(self.bounds) + 2 if self.bounds else 1


SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OWN_SECONDS: Final = (0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)
LAG_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

STATUSES: Final = (
    *(200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411),
    *(412, 413, 415, 422, 426, 429, 431, 499, 500, 501, 502, 503, 504),
)
"""Statuses with a series of their own; the others are counted as `1xx` to `5xx`, and what is no status as `other`."""

CODES: Final = (*(str(status) for status in STATUSES), "1xx", "2xx", "3xx", "4xx", "5xx", "other")
OTHER_CODE: Final = CODES.index("other")
COLUMN_OF: Final = [
    STATUSES.index(status)
    if status in STATUSES
    else CODES.index(f"{status // 100}xx")
    if 100 <= status < 600
    else OTHER_CODE
    for status in range(1000)
]
COLUMN_OF[0] = STATUSES.index(499)  # the client went away before there was a status
SHORTEST_S: Final = SECONDS[0]

# of each API: its columns in the table of APIs
REQUESTS = "sluicegate_requests_total"
REQUEST_SECONDS = "sluicegate_request_seconds"
UPSTREAM_SECONDS = "sluicegate_upstream_seconds"
REJECTIONS = "sluicegate_rejections_total"

API_METRICS: Final = (
    Metric(REQUESTS, COUNTER, "Requests by API and status.", "api_id, api_name, code"),
    Metric(
        REQUEST_SECONDS, HISTOGRAM, "From the request's head to the last byte of the answer.", "api_id", SUM, SECONDS
    ),
    Metric(
        UPSTREAM_SECONDS,
        HISTOGRAM,
        "From the request's leaving for the upstream to the head of its answer.",
        "api_id",
        SUM,
        SECONDS,
    ),
    Metric(REJECTIONS, COUNTER, "Answers of the gateway instead of the upstream, by reason.", "code, flag"),
)

REQUEST_COLUMN: Final = len(CODES)
REQUEST_SUM: Final = REQUEST_COLUMN + len(SECONDS) + 1
UPSTREAM_COLUMN: Final = REQUEST_SUM + 1
UPSTREAM_SUM: Final = UPSTREAM_COLUMN + len(SECONDS) + 1
API_CELLS: Final = UPSTREAM_SUM + 1

GATEWAY_SECONDS = "gateway_seconds"
LAG = "event_loop_lag"

METRICS: Final[dict[str, Metric]] = {
    GATEWAY_SECONDS: Metric(
        "sluicegate_gateway_seconds",
        HISTOGRAM,
        "Time of a request that was not spent waiting for the upstream's answer.",
        bounds=OWN_SECONDS,
    ),
    "client_connections_total": Metric("sluicegate_client_connections_total", COUNTER, "Client connections accepted."),
    "client_connections_refused": Metric(
        "sluicegate_client_connections_refused_total", COUNTER, "Client connections closed at once, over the limit."
    ),
    "client_connections": Metric("sluicegate_client_connections", GAUGE, "Client connections open now."),
    "streams": Metric("sluicegate_streams", GAUGE, "Client connections that are tunnels now, such as WebSockets."),
    "upstream_opened": Metric(
        "sluicegate_upstream_connections_total",
        COUNTER,
        "Connections to targets, opened or taken again.",
        'how="opened"',
    ),
    "upstream_reused": Metric("sluicegate_upstream_connections_total", COUNTER, "", 'how="reused"'),
    "upstream_active": Metric(
        "sluicegate_upstream_connections",
        GAUGE,
        "Connections to targets, at work or waiting in the pool.",
        'state="active"',
    ),
    "upstream_idle": Metric("sluicegate_upstream_connections", GAUGE, "", 'state="idle"'),
    "limits_allowed": Metric(
        "sluicegate_limiter_decisions_total",
        COUNTER,
        "Requests with a key that limits let through, and requests that a rate limit or a quota refused.",
        'decision="allowed"',
    ),
    "limits_limited": Metric("sluicegate_limiter_decisions_total", COUNTER, "", 'decision="limited"'),
    "limits_quota": Metric("sluicegate_limiter_decisions_total", COUNTER, "", 'decision="quota"'),
    "reloads_ok": Metric(
        "sluicegate_reloads_total", COUNTER, "Tables of routes built, over all workers.", 'result="ok"'
    ),
    "reloads_failed": Metric("sluicegate_reloads_total", COUNTER, "", 'result="failed"'),
    "reload_seconds": Metric("sluicegate_reload_seconds", GAUGE, "Time the last reload took.", over=MAX),
    "generation": Metric(
        "sluicegate_generation", GAUGE, "Tables of routes put into force, as each worker counts for itself.", over=EACH
    ),
    "cluster_generation": Metric(
        "sluicegate_cluster_generation", GAUGE, "Generation of the shared configuration that is served.", over=EACH
    ),
    "apis_loaded": Metric("sluicegate_apis_loaded", GAUGE, "APIs in the table in force.", over=MAX),
    "records_written": Metric(
        "sluicegate_analytics_records_total", COUNTER, "Analytics records, by what became of them.", 'outcome="written"'
    ),
    "records_dropped": Metric("sluicegate_analytics_records_total", COUNTER, "", 'outcome="dropped"'),
    "log_bytes_dropped": Metric(
        "sluicegate_access_log_dropped_bytes_total", COUNTER, "Access log that nobody read in time."
    ),
    "memory_bytes": Metric("sluicegate_memory_bytes", GAUGE, "Resident memory.", over=EACH),
    "cpu_seconds": Metric("sluicegate_cpu_seconds_total", COUNTER, "Processor time used.", over=EACH),
    LAG: Metric(
        "sluicegate_event_loop_lag_seconds",
        HISTOGRAM,
        "How late a worker's event loop comes to what is due, looked at four times a second.",
        bounds=LAG_SECONDS,
    ),
}
"""The metrics that are not of one API, by the name that the code uses. Those of one name stand side by side."""


def _laid_out() -> tuple[dict[str, int], int]:
    first, places = len(MARK) // CELL, {}
    for key, metric in METRICS.items():
        places[key] = first
        first += metric.cells
    return places, first


PLACE, PLAIN_CELLS = _laid_out()
"""Index of each metric's first cell, and the number of cells of all."""

API_OTHER: Final = "other"
API_NONE: Final = ""
"""Requests that no API took, and those to the admin API."""
LIMITED_FLAGS: Final = {"RLT": "limits_limited", "QEX": "limits_quota"}
LOOK_S: Final = 0.25
LOOKS_A_PUBLISH: Final = 4
PAGE_BYTES: Final = resource.getpagesize()


class Layout:
    """Where everything lies in the sheets of a node; the same in all its processes."""

    __slots__ = ("apis", "rejections", "size_bytes")

    def __init__(self, max_apis: int) -> None:
        self.rejections = Table(PLAIN_CELLS * CELL, rows=256, name_bytes=88, cells=1)
        self.apis = Table(self.rejections.end, rows=max_apis + 2, name_bytes=192, cells=API_CELLS)
        self.size_bytes = self.apis.end


class Metrics:
    """The metrics of one worker."""

    def __init__(self, layout: Layout, memory: Memory | None = None) -> None:
        """Begin to count, or go on where a worker before left off.

        memory: `layout.size_bytes` that are shared with the supervisor; None: of this process.
        """
        self.sheet = new_sheet(layout.size_bytes, memory)
        self._plain: list[float] = list(unpack_from(f"{PLAIN_CELLS}d", self.sheet))
        self._apis = Rows(layout.apis, self.sheet, mark=REQUEST_SUM)
        self._rejections = Rows(layout.rejections, self.sheet, mark=0)
        self._row_of = self._apis.numbers
        for key in (API_NONE, API_OTHER):
            if key not in self._row_of:
                self._apis.add(key, key)
        self._watched: list[tuple[int, float, Callable[[], float]]] = []
        for key, metric in METRICS.items():
            if metric.kind == GAUGE:
                self._plain[PLACE[key]] = 0.0
        self.watch("memory_bytes", resident_bytes)
        self.watch("cpu_seconds", cpu_seconds)

    def observe(self, exchange: Exchange, total_s: float, upstream_s: float) -> None:
        """Count an exchange whose answer has left. Without an answer of the upstream, `upstream_s` is 0.

        All cells are floats: adding 1 to one takes three times as long as adding 1.0.
        """
        row = self._row_of.get(exchange.route.api_id)
        if row is None:
            row = self._row_for(exchange.route)
        try:
            row[COLUMN_OF[exchange.status]] += 1.0
        except IndexError:
            row[OTHER_CODE] += 1.0
        row[REQUEST_COLUMN + bisect_left(SECONDS, total_s) if total_s > SHORTEST_S else REQUEST_COLUMN] += 1.0
        row[REQUEST_SUM] += total_s
        if upstream_s:
            row[UPSTREAM_COLUMN + bisect_left(SECONDS, upstream_s) if upstream_s > SHORTEST_S else UPSTREAM_COLUMN] += (
                1.0
            )
            row[UPSTREAM_SUM] += upstream_s
            total_s -= upstream_s
        plain = self._plain
        plain[GATEWAY + bisect_left(OWN_SECONDS, total_s)] += 1.0
        if exchange.rejection is not None:
            self._rejected(exchange.rejection.code, exchange.rejection.flag)
        elif exchange.session is not None:
            plain[ALLOWED] += 1.0

    def _row_for(self, route: Route) -> list[float]:
        row = self._apis.add(route.api_id, route.name)
        return self._row_of[API_OTHER] if row is None else row

    def _rejected(self, code: str, flag: str) -> None:
        name = f"{code} {flag}"
        row = self._rejections.numbers.get(name) or self._rejections.add(name)
        if row is not None:
            row[0] += 1
        decision = LIMITED_FLAGS.get(flag)
        if decision is not None:
            self.count(decision)

    def count(self, key: str, by: float = 1) -> None:
        """Add to a metric of `METRICS`."""
        self._plain[PLACE[key]] += by

    def set(self, key: str, value: float) -> None:
        """Set a gauge of `METRICS`."""
        self._plain[PLACE[key]] = value

    def observe_lag(self, late_s: float) -> None:
        """Note how late the event loop was."""
        first = PLACE[LAG]
        self._plain[first + bisect_left(LAG_SECONDS, late_s)] += 1
        self._plain[first + len(LAG_SECONDS) + 1] += late_s

    def watch(self, key: str, read: Callable[[], float]) -> None:
        """Have a metric of `METRICS` read with every `publish`; of a counter, what it grows by is added."""
        cell = PLACE[key]
        before = self._plain[cell] if METRICS[key].kind == COUNTER else 0.0
        self._watched.append((cell, before, read))

    def keep_apis(self, name_of: Callable[[str], str | None], loaded: int) -> None:
        """Forget the APIs that have no name by their id, so that there is room for new ones, and go by the names."""
        self.set("apis_loaded", loaded)
        self._apis.keep(lambda key: key if key in (API_NONE, API_OTHER) else name_of(key))

    def change_apis(self, names: Mapping[str, str], gone: Iterable[str], loaded: int) -> None:
        """Forget some APIs, and go by the names that others have now, by id; called when few of many have changed."""
        self.set("apis_loaded", loaded)
        for api_id in gone:
            self._apis.free(api_id)
        for api_id, name in names.items():
            self._apis.relabel(api_id, name)

    def publish(self) -> Iterator[None]:
        """Write what has changed to the sheet; yields now and then, so that the caller may do other things."""
        for cell, before, read in self._watched:
            self._plain[cell] = before + read()
        first = len(MARK) // CELL
        pack_into(f"{PLAIN_CELLS - first}d", self.sheet, len(MARK), *self._plain[first:])
        yield from self._rejections.publish()
        yield from self._apis.publish()

    async def run(self) -> None:
        """Publish now and then once a second, and look how late the loop is, until cancelled."""
        while True:
            for _ in self.publish():
                await asyncio.sleep(0)
            for _ in range(LOOKS_A_PUBLISH):
                due = ticks() + LOOK_S
                await asyncio.sleep(LOOK_S)
                self.observe_lag(max(0.0, ticks() - due))


GATEWAY: Final = PLACE[GATEWAY_SECONDS]
ALLOWED: Final = PLACE["limits_allowed"]


def resident_bytes() -> float:
    """Return the resident memory of this process."""
    try:
        return float(Path("/proc/self/statm").read_bytes().split()[1]) * PAGE_BYTES
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def cpu_seconds() -> float:
    """Return the processor time that this process has used."""
    times = os.times()
    return times.user + times.system
