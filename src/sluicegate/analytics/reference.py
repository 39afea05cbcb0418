"""Prints the reference page of the metrics: `python -m sluicegate.analytics.reference > docs/reference/metrics.md`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sluicegate.analytics import metrics as m
from sluicegate.analytics.exposition import WORKER_RESTARTS, WORKERS, build_info

INTRODUCTION = """\
# Metrics

Every node serves its metrics as a Prometheus page (text format 0.0.4) at `sluicegate.prometheus.path`, by default
`/metrics`, on the port of the admin API; `sluicegate.prometheus.enabled: false` turns it off.

The numbers are those of all workers of the node together. Each worker publishes its own once a second in memory that
the supervisor reads, so a scrape takes nothing from a worker and never waits for one. What a worker has counted
survives its death, but for the last second.

**How many series there are is bounded.** The first `sluicegate.prometheus.max_apis` APIs that get a request have series
of their own (1000 by default), the others are counted together as `api_id="other"`. An API that is removed leaves with
the next reload and makes room. Requests that no API took, and those to the admin API, have an empty `api_id`. A status
that is not listed below is counted by class, such as `code="4xx"`.

Metrics hold no data of clients, so `do_not_track` does not hide an API here.
"""


def pages_lines() -> Iterator[str]:
    """Yield the lines of the page."""
    yield INTRODUCTION
    yield "## Requests\n"
    yield from _table(m.API_METRICS)
    yield f"Values of `code`: {', '.join(f'`{code}`' for code in m.CODES)}.\n"
    yield (
        "`code` and `flag` of a rejection are those of the access log: `response_code_details` and `response_flag`."
        " Failures of an upstream are there by their flags.\n"
    )
    yield "## Node\n"
    yield from _table([*m.METRICS.values(), WORKERS, WORKER_RESTARTS, build_info("…")])
    yield "## Buckets\n"
    yield "| histogram | upper bounds, s |"
    yield "|---|---|"
    for metric in (*m.API_METRICS, *m.METRICS.values()):
        if metric.bounds:
            yield f"| `{metric.name}` | {', '.join(f'{bound:g}' for bound in metric.bounds)} |"


def _table(metrics: Iterable[m.Metric]) -> Iterator[str]:
    yield "| metric | type | labels | meaning |"
    yield "|---|---|---|---|"
    listed: dict[str, list[m.Metric]] = {}
    for metric in metrics:
        listed.setdefault(metric.name, []).append(metric)
    for name, same in listed.items():
        labels = ["worker"] if same[0].over == m.EACH else [one.labels for one in same if one.labels]
        yield f"| `{name}` | {same[0].kind} | {', '.join(f'`{label}`' for label in labels)} | {same[0].help} |"
    yield ""


if __name__ == "__main__":
    print("\n".join(pages_lines()))
