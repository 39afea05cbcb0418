"""Nodes that go and come behind real balancers, under load: no request fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.balancers import PROGRAMS, Balancer, running_nginx
from tests.gateway import Gateway, api, until
from tests.load import Load
from tests.servers import RestartableRedis, free_port
from tests.upstreams import Upstream
from tests.wire import get

from sluicegate.cli.fronts.front import CHECK_EVERY_S, CHECK_FAILURES

NAMES = ("a", "b")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Gateway]]:
    """Two nodes; the answers of `/s/` say which of them was asked."""
    tmp_path = tmp_path_factory.mktemp("nodes")
    ports = {name: free_port() for name in NAMES}
    served = "\n".join(f'server {{ listen 127.0.0.1:{port}; return 200 "{name}"; }}' for name, port in ports.items())
    with ExitStack() as stack:
        stack.enter_context(running_nginx(tmp_path, served, ports["a"]))
        gateways = {}
        for name, port in ports.items():
            (folder := tmp_path / name).mkdir()
            definition = api("/s/", f"http://127.0.0.1:{port}/")
            conf = {"graceful_shutdown_delay_seconds": 3}
            gateways[name] = Gateway(folder, apis=[definition], conf=conf)
            gateways[name].start()
            stack.callback(gateways[name].kill)
        yield gateways


def await_node(front: Balancer, name: str) -> None:
    """Wait until a node gets requests (again)."""
    until(lambda: front.ask(get("/s/x")).body == name.encode(), f"{name} gets requests")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("program", PROGRAMS)
def test_no_request_fails_when_nodes_stop_return_and_die(
    nodes: dict[str, Gateway], tmp_path: Path, program: str
) -> None:
    a, b = nodes.values()
    for node in (a, b):  # a test before may have failed in between
        if node.process is None or node.process.poll() is not None:
            node.start()
    with Balancer(tmp_path, program, [a.port, b.port]) as front:
        await_node(front, "a")
        await_node(front, "b")
        url = f"http://127.0.0.1:{front.port}/s/x"
        with Load(tmp_path, url, connections=20) as reads, Load(tmp_path, url, method="POST", connections=20) as writes:
            await_node(front, "a")
            assert a.stop() == 0
            await_node(front, "b")
            a.start()
            await_node(front, "a")
        for stopped in (reads.result, writes.result):
            assert stopped.failed == 0, stopped
            assert stopped.requests > 100

        with Load(tmp_path, url) as killed:
            await_node(front, "b")
            b.kill()
            await_node(front, "a")
            b.start()
            await_node(front, "b")
        assert killed.result.failed == 0, killed.result
        assert killed.result.requests > 100


def test_nodes_are_not_left_out_because_their_store_is_away(
    tmp_path: Path, upstream: Upstream, redis: RestartableRedis
) -> None:
    """`/ready` says 503 on all nodes then, as with Tyk: whoever went by it would have no node left."""
    conf = {
        "storage": {"type": "redis", "host": "127.0.0.1", "port": redis.port},
        "cluster": {"enabled": True},
        "liveness_check": {"check_duration": 200_000_000},
    }
    with ExitStack() as stack:
        for name in (*NAMES, "haproxy", "caddy"):
            (tmp_path / name).mkdir()
        apis = [api("/s/", upstream.url)]
        gateways = [stack.enter_context(Gateway(tmp_path / name, apis=apis, conf=conf)) for name in NAMES]
        ports = [gateway.port for gateway in gateways]
        fronts = [stack.enter_context(Balancer(tmp_path / program, program, ports)) for program in ("haproxy", "caddy")]
        for front in fronts:
            until(lambda front=front: front.ask(get("/s/x")).status == 200, "the balancer has found its nodes")
        with ExitStack() as under_load:
            urls = [f"http://127.0.0.1:{front.port}/s/x" for front in fronts]
            loads = [under_load.enter_context(Load(tmp_path, url, connections=4)) for url in urls]
            redis.stop()
            for gateway in gateways:
                until(lambda gateway=gateway: gateway.ask(get("/ready")).status == 503, "the node has noticed")
            noticed = time.monotonic()
            while time.monotonic() - noticed < CHECK_EVERY_S * (CHECK_FAILURES + 2):
                for front in fronts:
                    assert front.ask(get("/s/x")).status == 200, "for longer than it takes to leave a node out"
    for load in loads:
        assert load.result.failed == 0, load.result
