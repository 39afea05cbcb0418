"""Counting in a worker, adding up in the supervisor, and the page that comes of it."""

from __future__ import annotations

import asyncio
import mmap
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.exchange import make_api, make_exchange, session_of

from sluicegate.analytics.exposition import WORKERS, Page, build_info
from sluicegate.analytics.metrics import Layout, Metrics
from sluicegate.chain.exchange import Exchange
from sluicegate.chain.outcome import Rejection

LAYOUT = Layout(max_apis=3)
LIMITED = Rejection(429, "Rate limit exceeded", code="rate_limit_exceeded", flag="RLT")


Ended = tuple[Exchange, float, float]


def ended(api_id: str = "a1", status: int = 200, took_s: float = 0.004, upstream_s: float = 0.003) -> Ended:
    """Return an exchange whose answer has left, and how long it and its upstream took."""
    exchange = make_exchange(api=make_api(api_id=api_id, name=f'API "{api_id}"\\'))
    exchange.status = status
    return exchange, took_s, upstream_s


def observe(metrics: Metrics, *ended: Ended) -> None:
    for one in ended:
        metrics.observe(*one)


def sheet_of(metrics: Metrics) -> bytes:
    """Return a copy of the sheet of a worker, as it stands now."""
    for _ in metrics.publish():
        pass
    return bytes(metrics.sheet)


def scrape(*workers: Metrics | bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the samples of the page, read by Prometheus' own parser; no series may be there twice."""
    sheets = {str(at): sheet_of(one) if isinstance(one, Metrics) else one for at, one in enumerate(workers)}
    page = Page(LAYOUT).make(sheets, [(WORKERS, len(workers)), (build_info("1.0"), 1)])
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in text_string_to_metric_families(page.decode()):
        assert family.documentation and family.type != "unknown", family
        for sample in family.samples:
            name = (sample.name, frozenset(sample.labels.items()))
            assert name not in samples
            samples[name] = sample.value
    return samples


def value(samples: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float | None:
    return samples.get((f"sluicegate_{name}", frozenset(labels.items())))


def test_counts_requests_by_api_and_status_over_all_workers() -> None:
    one, two = Metrics(LAYOUT), Metrics(LAYOUT)
    observe(one, ended(), ended(status=404), ended(status=418), ended(status=1234), ended("b"))
    observe(two, ended(), ended())
    samples = scrape(one, two)
    name = 'API "a1"\\'
    assert value(samples, "requests_total", api_id="a1", api_name=name, code="200") == 3
    assert value(samples, "requests_total", api_id="a1", api_name=name, code="404") == 1
    assert value(samples, "requests_total", api_id="a1", api_name=name, code="4xx") == 1
    assert value(samples, "requests_total", api_id="a1", api_name=name, code="other") == 1
    assert value(samples, "requests_total", api_id="b", api_name='API "b"\\', code="200") == 1
    assert value(samples, "workers") == 2
    assert value(samples, "build_info", version="1.0") == 1


def test_tells_the_time_of_the_upstream_from_the_gateways_own() -> None:
    metrics = Metrics(LAYOUT)
    observe(metrics, ended(), ended(took_s=20, upstream_s=0))
    samples = scrape(metrics)
    assert value(samples, "request_seconds_bucket", api_id="a1", le="0.0025") == 0
    assert value(samples, "request_seconds_bucket", api_id="a1", le="0.005") == 1
    assert value(samples, "request_seconds_bucket", api_id="a1", le="10.0") == 1
    assert value(samples, "request_seconds_count", api_id="a1") == 2
    assert value(samples, "request_seconds_sum", api_id="a1") == pytest.approx(20.004)
    assert value(samples, "upstream_seconds_count", api_id="a1") == 1
    assert value(samples, "upstream_seconds_sum", api_id="a1") == pytest.approx(0.003)
    assert value(samples, "gateway_seconds_bucket", le="0.0025") == 1
    assert value(samples, "gateway_seconds_count") == 2
    assert value(samples, "gateway_seconds_sum") == pytest.approx(20.001)


def test_counts_rejections_and_what_limits_decide() -> None:
    metrics = Metrics(LAYOUT)
    let_through, refused = ended(), ended(status=429)
    let_through[0].session = refused[0].session = session_of()
    refused[0].rejection = LIMITED
    observe(metrics, let_through, refused, refused, ended())
    samples = scrape(metrics)
    assert value(samples, "rejections_total", code="rate_limit_exceeded", flag="RLT") == 2
    assert value(samples, "limiter_decisions_total", decision="limited") == 2
    assert value(samples, "limiter_decisions_total", decision="allowed") == 1
    assert value(samples, "limiter_decisions_total", decision="quota") == 0


def test_apis_beyond_the_limit_are_counted_together() -> None:
    metrics = Metrics(LAYOUT)
    observe(metrics, *(ended(f"a{number}") for number in range(6)), ended("i" * 300))
    samples = scrape(metrics)
    assert value(samples, "requests_total", api_id="other", api_name="other", code="200") == 4


def test_a_removed_api_makes_room_and_a_new_name_is_shown() -> None:
    metrics = Metrics(LAYOUT)
    observe(metrics, ended("a"), ended("b"), ended("c"))
    metrics.keep_apis({"b": "renamed", "d": "new"}.get, 2)
    observe(metrics, ended("d"))
    samples = scrape(metrics)
    assert value(samples, "requests_total", api_id="b", api_name="renamed", code="200") == 1
    assert value(samples, "requests_total", api_id="d", api_name='API "d"\\', code="200") == 1
    assert value(samples, "requests_total", api_id="a", api_name='API "a"\\', code="200") is None
    assert value(samples, "apis_loaded") == 2


def test_a_page_that_is_made_again_says_what_is_new_and_what_is_not() -> None:
    one, two, page = Metrics(LAYOUT), Metrics(LAYOUT), Page(LAYOUT)
    observe(one, ended("a"), ended("b"))
    observe(two, ended("a"))
    for _ in range(2):
        sheets = {"0": sheet_of(one), "1": sheet_of(two)}
        assert page.make(sheets) == Page(LAYOUT).make(sheets)
        observe(two, ended("b"), ended("c"))
    one.keep_apis({"b": "renamed"}.get, 1)
    two.keep_apis({"b": "renamed"}.get, 1)
    sheets = {"0": sheet_of(one), "1": sheet_of(two)}
    assert page.make(sheets) == Page(LAYOUT).make(sheets)
    assert b'{api_id="b",api_name="renamed",code="200"} 3' in page.make(sheets)
    assert b'"a"' not in page.make(sheets)


def test_the_next_worker_goes_on_where_a_dead_one_left_off() -> None:
    memory = mmap.mmap(-1, LAYOUT.size_bytes)
    page = Page(LAYOUT)
    assert page.make({"0": memory}) == page.make({})
    first = Metrics(LAYOUT, memory)
    observe(first, ended(), ended(status=500))
    first.watch("client_connections_total", lambda: 7)
    first.watch("client_connections", lambda: 5)
    first.count("reloads_ok")
    first.set("generation", 3)
    for _ in first.publish():
        pass
    second = Metrics(LAYOUT, memory)
    observe(second, ended())
    second.watch("client_connections_total", lambda: 2)
    second.watch("client_connections", lambda: 1)
    for _ in second.publish():
        pass
    samples = scrape(bytes(memory))
    name = 'API "a1"\\'
    assert value(samples, "requests_total", api_id="a1", api_name=name, code="200") == 2
    assert value(samples, "client_connections_total") == 9
    assert value(samples, "client_connections") == 1
    assert value(samples, "reloads_total", result="ok") == 1
    assert value(samples, "generation", worker="0") == 0
    assert (value(samples, "memory_bytes", worker="0") or 0) > 1e6


def test_refuses_memory_that_is_no_sheet() -> None:
    with pytest.raises(ValueError, match="needs"):
        Metrics(LAYOUT, bytearray(8))
    with pytest.raises(ValueError, match="something else"):
        Metrics(LAYOUT, bytearray(b"x" * LAYOUT.size_bytes))


async def test_run_publishes_at_once_and_then_at_every_fourth_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluicegate.analytics.metrics.LOOK_S", 0.001)
    memory = bytearray(LAYOUT.size_bytes)
    metrics = Metrics(LAYOUT, memory)
    published: asyncio.Queue[None] = asyncio.Queue()
    metrics.watch("upstream_idle", lambda: published.put_nowait(None) or 4)
    observe(metrics, ended())
    running = asyncio.create_task(metrics.run())
    await published.get()
    samples = scrape(bytes(memory))
    assert value(samples, "requests_total", api_id="a1", api_name='API "a1"\\', code="200") == 1
    assert value(samples, "upstream_connections", state="idle") == 4
    assert value(samples, "memory_bytes", worker="0") > 1e6
    assert value(samples, "event_loop_lag_seconds_count") == 0
    await published.get()
    running.cancel()
    assert value(scrape(bytes(memory)), "event_loop_lag_seconds_count") == 4


def test_the_reference_page_is_fresh() -> None:
    page = Path(__file__).parents[3] / "docs/reference/metrics.md"
    printed = subprocess.run(
        [sys.executable, "-m", "sluicegate.analytics.reference"], capture_output=True, check=True, text=True
    ).stdout
    assert page.read_text() == printed
