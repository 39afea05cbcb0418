"""How busy a node is, read from what its workers count."""

from __future__ import annotations

import mmap

import pytest
from tests.fakes.exchange import make_api, make_exchange

from sluicegate.analytics import vitals
from sluicegate.analytics.metrics import Layout, Metrics
from sluicegate.analytics.vitals import Vitals, VitalSigns

LAYOUT = Layout(max_apis=3)


def serve(metrics: Metrics, status: int, times: int) -> None:
    for _ in range(times):
        exchange = make_exchange(api=make_api(api_id="a", name="A"))
        exchange.status = status
        metrics.observe(exchange, 0.001, 0.0)
    for _ in metrics.publish():
        pass


def test_rates_are_those_since_the_reading_before(monkeypatch: pytest.MonkeyPatch) -> None:
    time = [50.0]
    monkeypatch.setattr(vitals, "ticks", lambda: time[0])
    sheets = [mmap.mmap(-1, LAYOUT.size_bytes) for _ in range(2)]
    signs = VitalSigns(LAYOUT, sheets)
    assert (signs.workers, signs.each("streams"), signs.read()) == (2, [0.0, 0.0], Vitals())

    one, two = (Metrics(LAYOUT, sheet) for sheet in sheets)
    one.watch("streams", lambda: 2)
    one.watch("cpu_seconds", lambda: 0.0)
    two.watch("cpu_seconds", lambda: 1.0)
    serve(one, 200, 15)
    serve(two, 503, 5)
    time[0] += 2
    found = signs.read()
    assert (found.requests_per_s, found.error_rate, found.load, found.streams) == (10.0, 0.25, 0.25, 2)
    assert found.memory_mb > 1

    time[0] += 0.5
    one.watch("streams", lambda: 3)
    serve(one, 200, 15)
    soon = signs.read()
    assert soon.requests_per_s == 10.0, "too soon for rates"
    assert soon.streams == 3 and soon.memory_mb > 1, "what is no rate is that of now"
    time[0] += 1.5
    assert signs.read().requests_per_s == 7.5
    time[0] += 2
    quiet = signs.read()
    assert (quiet.requests_per_s, quiet.error_rate, quiet.load) == (0.0, 0.0, 0.0)
