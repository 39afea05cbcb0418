"""The metrics of all workers as one page of Prometheus text (exposition format 0.0.4).

Runs in the supervisor: it reads the workers' sheets (see `sheet`), adds them up and writes the page. No worker takes
part, so a scrape does not show in any request's latency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from operator import add
from struct import unpack_from
from typing import NamedTuple

from sluicegate.analytics import metrics as m
from sluicegate.analytics.sheet import Memory, open_sheet

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Merged(NamedTuple):
    """What all workers have counted.

    cells:      the plain metrics' cells, added up or the greatest, as each metric says.
    each:       by key of `METRICS`: what each worker has, by worker.
    apis:       by API id: its name and the sums of its columns.
    rejections: by `code flag`.
    """

    cells: list[float]
    each: dict[str, dict[str, float]]
    apis: dict[str, tuple[str, Sequence[float]]]
    rejections: dict[str, float]


def merge(layout: m.Layout, sheets: Mapping[str, Memory]) -> Merged:
    """Return the sum of the sheets; sheets that nobody has begun to count in are passed over.

    sheets: by worker, as it shall stand in the label: the shared memory, or a snapshot of it.
    """
    merged = Merged([0.0] * m.PLAIN_CELLS, {}, {}, {})
    for worker, memory in sheets.items():
        sheet = open_sheet(memory, layout.size_bytes)
        if sheet is not None:
            _add_sheet(layout, merged, worker, sheet)
    return merged


def _add_sheet(layout: m.Layout, merged: Merged, worker: str, sheet: memoryview) -> None:
    cells = unpack_from(f"{m.PLAIN_CELLS}d", sheet)
    for key, metric in m.METRICS.items():
        first = m.PLACE[key]
        if metric.over == m.EACH:
            merged.each.setdefault(key, {})[worker] = cells[first]
        elif metric.over == m.MAX:
            merged.cells[first] = max(merged.cells[first], cells[first])
        else:
            for at in range(first, first + metric.cells):
                merged.cells[at] += cells[at]
    for row, key, _ in layout.rejections.items(sheet):
        merged.rejections[key] = merged.rejections.get(key, 0.0) + layout.rejections.numbers(sheet, row)[0]
    apis = merged.apis
    for row, api_id, name in layout.apis.items(sheet):
        numbers = layout.apis.numbers(sheet, row)
        known = apis.get(api_id)
        apis[api_id] = (name, numbers if known is None else (*map(add, known[1], numbers),))


def render(merged: Merged, own: Iterable[tuple[m.Metric, float]] = ()) -> bytes:
    """Return the page.

    own: metrics of the supervisor itself, such as `WORKERS` and `WORKER_RESTARTS`, and their values.
    """
    lines: list[str] = []
    for metric, value in own:
        _head(lines, metric)
        lines.append(f"{metric.name}{_braces(metric.labels)} {_number(value)}\n")
    _render_plain(lines, merged)
    _render_apis(lines, merged)
    return "".join(lines).encode()


def _render_plain(lines: list[str], merged: Merged) -> None:
    gateway_sum = sum(row[m.REQUEST_SUM] - row[m.UPSTREAM_SUM] for _, row in merged.apis.values())
    for key, metric in m.METRICS.items():
        if metric.help:
            _head(lines, metric)
        first = m.PLACE[key]
        if metric.bounds:
            counts = (*accumulate(merged.cells[first : first + len(metric.bounds) + 1]),)
            total = gateway_sum if key == m.GATEWAY_SECONDS else merged.cells[first + metric.cells - 1]
            lines.append(_histogram_form(metric) % (*counts, total, counts[-1]))
        elif metric.over == m.EACH:
            for worker, value in merged.each.get(key, {}).items():
                lines.append(f'{metric.name}{{worker="{_escaped(worker)}"}} {_number(value)}\n')
        else:
            lines.append(f"{metric.name}{_braces(metric.labels)} {_number(merged.cells[first])}\n")


def _render_apis(lines: list[str], merged: Merged) -> None:
    requests, request_seconds, upstream_seconds, rejections = m.API_METRICS
    apis = [(_escaped(api_id), _escaped(name), row) for api_id, (name, row) in merged.apis.items()]
    _head(lines, requests)
    for api_id, name, row in apis:
        start = f'{m.REQUESTS}{{api_id="{api_id}",api_name="{name}",code="'
        for code, count in zip(m.CODES, row, strict=False):
            if count:
                lines.append(f'{start}{code}"}} {count:.0f}\n')
    for metric, column, sum_column in (
        (request_seconds, m.REQUEST_COLUMN, m.REQUEST_SUM),
        (upstream_seconds, m.UPSTREAM_COLUMN, m.UPSTREAM_SUM),
    ):
        _head(lines, metric)
        form = _histogram_form(metric, 'api_id="\0"')
        for api_id, _, row in apis:
            counts = (*accumulate(row[column:sum_column]),)
            if counts[-1]:
                lines.append(form.replace("\0", api_id.replace("%", "%%")) % (*counts, row[sum_column], counts[-1]))
    _head(lines, rejections)
    for key, count in merged.rejections.items():
        code, _, flag = key.partition(" ")
        lines.append(f'{m.REJECTIONS}{{code="{_escaped(code)}",flag="{_escaped(flag)}"}} {count:.0f}\n')


def _histogram_form(metric: m.Metric, labels: str = "") -> str:
    """Return the lines of a histogram with places for the counts, the sum and the count of all."""
    start = f"{metric.name}_bucket{{{labels}," if labels else f"{metric.name}_bucket{{"
    les = (*(str(bound) for bound in metric.bounds), "+Inf")
    buckets = "".join(f'{start}le="{le}"}} %d\n' for le in les)
    return f"{buckets}{metric.name}_sum{_braces(labels)} %.9g\n{metric.name}_count{_braces(labels)} %d\n"


def _head(lines: list[str], metric: m.Metric) -> None:
    lines.append(f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n")


def _braces(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.9g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


WORKERS = m.Metric("sluicegate_workers", m.GAUGE, "Worker processes that are alive.")
WORKER_RESTARTS = m.Metric("sluicegate_worker_restarts_total", m.COUNTER, "Workers that died and were replaced.")


def build_info(version: str) -> m.Metric:
    """Return the metric whose value is 1 and whose label is the version."""
    return m.Metric("sluicegate_build_info", m.GAUGE, "The version that runs.", f'version="{_escaped(version)}"')
