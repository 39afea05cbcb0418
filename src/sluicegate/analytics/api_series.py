"""The series of single APIs on the page of metrics, the sums over all workers.

Thousands of APIs have tens of lines each. What is said of an API in which nothing was counted since the last page is
kept, and not made again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import accumulate
from struct import unpack
from typing import Final, NamedTuple

from sluicegate.analytics import metrics as m
from sluicegate.analytics.sheet import END, Table


class ApiSeries(NamedTuple):
    """What is said of one API.

    source: what it was made from: name and numbers, as they lie in the sheets of the workers.
    own_s:  time of its requests that was not spent waiting for the upstream's answer.
    requests, request_seconds, upstream_seconds: the lines of each metric.
    """

    source: list[bytes]
    own_s: float
    requests: str
    request_seconds: str
    upstream_seconds: str


class AllApiSeries:
    """The series of all APIs, brought up to date for each page."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[bytes, ApiSeries] = {}

    def update(self, sheets: Iterable[memoryview]) -> Collection[ApiSeries]:
        """Return the series as the sheets of the workers say now."""
        sources: dict[bytes, list[bytes]] = {}
        for sheet in sheets:
            for name, numbers in self._table.counted(sheet):
                sources.setdefault(name.partition(END)[0], [name]).append(numbers)
        known, self._known = self._known, {}
        for key, source in sources.items():
            series = known.get(key)
            self._known[key] = series if series is not None and series.source == source else self._made_of(source)
        return self._known.values()

    def _made_of(self, source: list[bytes]) -> ApiSeries:
        name, *workers = source
        api_id, label = (escaped(text.decode("utf-8", "replace")) for text in name.partition(END)[::2])
        rows = [unpack(f"{self._table.cells}d", numbers) for numbers in workers]
        row = rows[0] if len(rows) == 1 else tuple(map(sum, zip(*rows, strict=True)))
        start = f'{m.REQUESTS}{{api_id="{api_id}",api_name="{label}",code="'
        return ApiSeries(
            source,
            row[m.REQUEST_SUM] - row[m.UPSTREAM_SUM],
            "".join([f'{start}{code}"}} {count:.0f}\n' for code, count in zip(m.CODES, row, strict=False) if count]),
            _histogram(REQUEST_FORM, api_id, row, m.REQUEST_COLUMN, m.REQUEST_SUM),
            _histogram(UPSTREAM_FORM, api_id, row, m.UPSTREAM_COLUMN, m.UPSTREAM_SUM),
        )


def _histogram(form: str, api_id: str, row: tuple[float, ...], column: int, sum_column: int) -> str:
    counts = (*accumulate(row[column:sum_column]),)
    if not counts[-1]:
        return ""
    return form.replace("\0", api_id.replace("%", "%%")) % (*counts, row[sum_column], counts[-1])


def histogram_form(metric: m.Metric, labels: str = "") -> str:
    """Return the lines of a histogram with places for the counts, the sum and the count of all."""
    start = f"{metric.name}_bucket{{{labels}," if labels else f"{metric.name}_bucket{{"
    les = (*(str(bound) for bound in metric.bounds), "+Inf")
    buckets = "".join(f'{start}le="{le}"}} %d\n' for le in les)
    return f"{buckets}{metric.name}_sum{braces(labels)} %.9g\n{metric.name}_count{braces(labels)} %d\n"


def braces(labels: str) -> str:
    """Return labels as they stand behind a name."""
    return f"{{{labels}}}" if labels else ""


def escaped(text: str) -> str:
    """Return the value of a label as it stands between its quotes."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


API_LABEL: Final = 'api_id="\0"'
REQUEST_FORM: Final = histogram_form(m.API_METRICS[1], API_LABEL)
UPSTREAM_FORM: Final = histogram_form(m.API_METRICS[2], API_LABEL)
