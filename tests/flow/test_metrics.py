"""/metrics over all workers: the sums are right, outlive the workers, and cost nobody anything."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

from tests.gateway import KEYED, Gateway, api, until
from tests.processes import children
from tests.upstreams import Upstream
from tests.wire import get

LINE = re.compile(r"[a-z_]+(\{([a-z_]+=\"[^\"]*\",?)+\})? [0-9.e+-]+|# (HELP|TYPE) [a-z_]+ .+")


def page(gateway: Gateway) -> str:
    message = gateway.ask(get("/metrics"))
    assert message.status == 200
    assert message.get(b"content-type") == b"text/plain; version=0.0.4; charset=utf-8"
    return message.body.decode()


def value(gateway: Gateway, series: str) -> float:
    """Return the value of one series, 0 when it is not there."""
    found = [line for line in page(gateway).splitlines() if line.startswith(series + " ")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def requests(api_id: str, code: int) -> str:
    return f'sluicegate_requests_total{{api_id="{api_id}",api_name="{api_id}",code="{code}"}}'


def test_the_requests_of_all_workers_are_added_up(tmp_path: Path, upstream: Upstream) -> None:
    apis = [api("/a/", upstream.url), api("/keyed/", upstream.url, **KEYED)]
    with Gateway(tmp_path, apis=apis, workers=3) as gateway:
        for _ in range(40):
            assert gateway.ask(get("/a/x")).status == 200
        for _ in range(10):
            assert gateway.ask(get("/keyed/x")).status == 401
        until(lambda: value(gateway, requests("a", 200)) == 40)
        until(lambda: value(gateway, requests("keyed", 401)) == 10)
        memory = re.compile(r"^sluicegate_memory_bytes\{worker=\"\d\"\} \d{7,}$", re.MULTILINE)
        until(lambda: len(memory.findall(page(gateway))) == 3)
        text = page(gateway)
        assert 'sluicegate_request_seconds_count{api_id="a"} 40' in text
        assert 'sluicegate_upstream_seconds_count{api_id="a"} 40' in text
        assert 'sluicegate_rejections_total{code="auth_field_missing",flag="AMF"} 10' in text
        assert "sluicegate_apis_loaded 2" in text
        assert "sluicegate_workers 3" in text
        assert [line for line in text.splitlines() if not LINE.fullmatch(line)] == []


def test_what_a_worker_counted_outlives_it(tmp_path: Path, upstream: Upstream) -> None:
    with Gateway(tmp_path, apis=[api("/a/", upstream.url)], workers=2) as gateway:
        for _ in range(20):
            assert gateway.ask(get("/a/x")).status == 200
        until(lambda: value(gateway, requests("a", 200)) == 20)
        assert gateway.process is not None
        before = children(gateway.process.pid)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        supervisor = gateway.process.pid
        until(lambda: len(set(children(supervisor)) - set(before)) == 2)
        until(gateway.is_ready)
        assert value(gateway, requests("a", 200)) == 20
        assert gateway.ask(get("/a/x")).status == 200
        until(lambda: value(gateway, requests("a", 200)) == 21)
        assert value(gateway, "sluicegate_worker_restarts_total") == 2


def test_reloads_and_generations_are_seen(tmp_path: Path, upstream: Upstream) -> None:
    definitions = [api("/a/", upstream.url), api("/b/", upstream.url)]
    ok, failed = (f'sluicegate_reloads_total{{result="{result}"}}' for result in ("ok", "failed"))

    def fail_to_reload(failures: int) -> float:
        """Have both workers fail, and return how many reloads have gone well: what came before is on the page then."""
        for one in gateway.apps.iterdir():
            one.unlink()
        gateway.reload()
        until(lambda: value(gateway, failed) == failures)
        return value(gateway, ok)

    with Gateway(tmp_path, apis=definitions[:1], workers=2) as gateway:
        before = fail_to_reload(failures=2)  # of a worker that still starts, its first load may be all that it needs
        tables = [value(gateway, f'sluicegate_generation{{worker="{worker}"}}') for worker in range(2)]
        for one in definitions:
            gateway.write_api(one)
        gateway.reload()
        until(lambda: value(gateway, "sluicegate_apis_loaded") == 2)
        assert fail_to_reload(failures=4) == before + 2
        for worker, so_far in enumerate(tables):  # each counts for itself
            assert value(gateway, f'sluicegate_generation{{worker="{worker}"}}') == so_far + 1


def test_labels_are_bounded(tmp_path: Path, upstream: Upstream) -> None:
    apis = [api(f"/a{number}/", upstream.url) for number in range(6)]
    with Gateway(tmp_path, apis=apis, conf={"sluicegate": {"prometheus": {"max_apis": 3}}}) as gateway:
        for number in range(6):
            assert gateway.ask(get(f"/a{number}/x")).status == 200
        until(lambda: value(gateway, requests("other", 200)) == 3)
        assert len(set(re.findall(r'requests_total\{api_id="(a\d)"', page(gateway)))) == 3


def test_with_five_thousand_apis_it_is_there_within_a_tenth_of_a_second(tmp_path: Path, upstream: Upstream) -> None:
    count, with_series, more = 5000, 1000, 100
    apis = [api(f"/a{number}/", upstream.url) for number in range(count)]
    with Gateway(tmp_path, apis=apis) as gateway:
        with gateway.raw() as client:
            for number in range(with_series + more):
                client.send(get(f"/a{number}/x"))
                assert client.read_answer().status == 200
        until(lambda: value(gateway, requests("other", 200)) == more)
        times_s = []
        for _ in range(20):
            began = time.perf_counter()
            page(gateway)
            times_s.append(time.perf_counter() - began)
        assert len(page(gateway).splitlines()) > 30 * with_series
        assert min(times_s) < 0.1, times_s


def test_the_page_can_be_elsewhere_or_nowhere(tmp_path: Path) -> None:
    with Gateway(tmp_path, conf={"sluicegate": {"prometheus": {"path": "/numbers"}}}) as gateway:
        assert gateway.ask(get("/numbers")).status == 200
        assert gateway.ask(get("/metrics")).status == 404
    with Gateway(tmp_path, conf={"sluicegate": {"prometheus": {"enabled": False}}}) as gateway:
        assert gateway.ask(get("/metrics")).status == 404
