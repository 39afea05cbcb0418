"""The metrics of all workers as one page of Prometheus text (exposition format 0.0.4).

Runs in the supervisor: it reads the workers' sheets (see `sheet`), adds them up and writes the page. No worker takes
part, so a scrape does not show in any request's latency.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from struct import unpack_from

from sluicegate.analytics import metrics as m
from sluicegate.analytics.api_series import AllApiSeries, ApiSeries, braces, escaped, histogram_form
from sluicegate.analytics.sheet import Memory, open_sheet

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sums:
    """What all workers have counted, but for single APIs.

    cells:      the plain metrics' cells, added up or the greatest, as each metric says.
    each:       by key of `METRICS`: what each worker has, by worker.
    rejections: by `code flag`.
    """

    def __init__(self, layout: m.Layout, sheets: Mapping[str, memoryview]) -> None:
        self.cells = [0.0] * m.PLAIN_CELLS
        self.each: dict[str, dict[str, float]] = {}
        self.rejections: dict[str, float] = {}
        for worker, sheet in sheets.items():
            self._add(worker, unpack_from(f"{m.PLAIN_CELLS}d", sheet))
            for row, key, _ in layout.rejections.items(sheet):
                self.rejections[key] = self.rejections.get(key, 0.0) + layout.rejections.numbers(sheet, row)[0]

    def _add(self, worker: str, cells: tuple[float, ...]) -> None:
        sums = self.cells
        for key, metric in m.METRICS.items():
            first = m.PLACE[key]
            if metric.over == m.EACH:
                self.each.setdefault(key, {})[worker] = cells[first]
            elif metric.over == m.MAX:
                sums[first] = max(sums[first], cells[first])
            else:
                for at in range(first, first + metric.cells):
                    sums[at] += cells[at]


class Page:
    """Makes the page, again and again."""

    def __init__(self, layout: m.Layout) -> None:
        self._layout = layout
        self._apis = AllApiSeries(layout.apis)

    def make(self, sheets: Mapping[str, Memory], own: Iterable[tuple[m.Metric, float]] = ()) -> bytes:
        """Return the page; sheets that nobody has begun to count in are passed over.

        sheets: by worker, as it shall stand in the label: the shared memory, or a snapshot of it.
        own: metrics of the supervisor itself, such as `WORKERS` and `WORKER_RESTARTS`, and their values.
        """
        opened = {worker: open_sheet(memory, self._layout.size_bytes) for worker, memory in sheets.items()}
        begun = {worker: sheet for worker, sheet in opened.items() if sheet is not None}
        sums, apis = Sums(self._layout, begun), self._apis.update(begun.values())
        lines: list[str] = []
        for metric, value in own:
            _head(lines, metric)
            lines.append(f"{metric.name}{braces(metric.labels)} {_number(value)}\n")
        _render_plain(lines, sums, sum(api.own_s for api in apis))
        _render_apis(lines, apis)
        _render_rejections(lines, sums.rejections)
        return "".join(lines).encode()


def _render_plain(lines: list[str], sums: Sums, gateway_sum: float) -> None:
    for key, metric in m.METRICS.items():
        if metric.help:
            _head(lines, metric)
        first = m.PLACE[key]
        if metric.bounds:
            counts = (*accumulate(sums.cells[first : first + len(metric.bounds) + 1]),)
            total = gateway_sum if key == m.GATEWAY_SECONDS else sums.cells[first + metric.cells - 1]
            lines.append(histogram_form(metric) % (*counts, total, counts[-1]))
        elif metric.over == m.EACH:
            for worker, value in sums.each.get(key, {}).items():
                lines.append(f'{metric.name}{{worker="{escaped(worker)}"}} {_number(value)}\n')
        else:
            lines.append(f"{metric.name}{braces(metric.labels)} {_number(sums.cells[first])}\n")


def _render_apis(lines: list[str], apis: Collection[ApiSeries]) -> None:
    requests, request_seconds, upstream_seconds, _ = m.API_METRICS
    _head(lines, requests)
    lines += [api.requests for api in apis]
    _head(lines, request_seconds)
    lines += [api.request_seconds for api in apis]
    _head(lines, upstream_seconds)
    lines += [api.upstream_seconds for api in apis]


def _render_rejections(lines: list[str], rejections: Mapping[str, float]) -> None:
    _head(lines, m.API_METRICS[-1])
    for key, count in rejections.items():
        code, _, flag = key.partition(" ")
        lines.append(f'{m.REJECTIONS}{{code="{escaped(code)}",flag="{escaped(flag)}"}} {count:.0f}\n')


def _head(lines: list[str], metric: m.Metric) -> None:
    lines.append(f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n")


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.9g}"


def page_maker(layout: m.Layout, sheets: Sequence[Memory], version: str) -> Callable[[int, int], bytes]:
    """Return what makes the page for a node, given how many workers it has and how many were replaced."""
    page = Page(layout)
    named = {str(index): sheet for index, sheet in enumerate(sheets)}

    def make(workers: int, restarts: int) -> bytes:
        own = [(build_info(version), 1.0), (WORKERS, float(workers)), (WORKER_RESTARTS, float(restarts))]
        return page.make(named, own)

    return make


WORKERS = m.Metric("sluicegate_workers", m.GAUGE, "Worker processes that are alive.")
WORKER_RESTARTS = m.Metric("sluicegate_worker_restarts_total", m.COUNTER, "Workers that died and were replaced.")


def build_info(version: str) -> m.Metric:
    """Return the metric whose value is 1 and whose label is the version."""
    return m.Metric("sluicegate_build_info", m.GAUGE, "The version that runs.", f'version="{escaped(version)}"')
