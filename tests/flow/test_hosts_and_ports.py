"""Which API a request meets: by host, by port, by path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.gateway import Gateway, api, until
from tests.servers import free_port
from tests.upstreams import Upstream, answer
from tests.wire import Wire, get


def path_only(wire: Wire, upstream: Upstream) -> None:
    while True:
        wire.send(answer(upstream.take(wire).target))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(path_only) as one:
        yield one


@pytest.fixture(scope="module")
def own_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, own_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    def named(name: str, listen_path: str, **more: Any) -> dict[str, Any]:
        return api(listen_path, f"{upstream.url}/{name}", name=name, api_id=name, **more)

    apis = [
        named("any", "/x/"),
        named("longer", "/x/y/"),
        named("shop", "/x/", domain="shop.test"),
        named("tenant", "/x/", domain="{tenant}.host.test"),
        named("own", "/x/", listen_port=own_port),
        named("other", "/o/", listen_port=own_port),
    ]
    with Gateway(tmp_path_factory.mktemp("gateway"), apis=apis) as one:
        yield one


@pytest.mark.parametrize(
    ("host", "path", "upstream_path"),
    [
        ("gateway.test", "/x/1", b"/any/1"),
        ("gateway.test", "/x/y/1", b"/longer/1"),
        ("shop.test", "/x/1", b"/shop/1"),
        ("shop.test:8080", "/x/1", b"/shop/1"),
        ("a.host.test", "/x/1", b"/tenant/1"),
        ("a.b.host.test", "/x/1", b"/any/1"),
        ("gateway.test", "/shop/1", None),
        ("shop.test", "/shop/1", b"/shop/shop/1"),
        ("gateway.test", "/o/1", None),
        ("gateway.test", "/x", None),
    ],
)
def test_hosts_and_paths(gateway: Gateway, host: str, path: str, upstream_path: bytes | None) -> None:
    answered = gateway.ask(get(path, host=host))
    if upstream_path is None:
        assert (answered.status, answered.body) == (404, b"Not Found")
    else:
        assert (answered.status, answered.body) == (200, upstream_path)


def test_one_connection_may_name_many_hosts(gateway: Gateway) -> None:
    with gateway.raw() as client:
        for _ in range(2):
            assert client.ask(get("/x/1", host="shop.test")).body == b"/shop/1"
            assert client.ask(get("/x/1", host="other.test")).body == b"/any/1"


def test_a_port_of_its_own(gateway: Gateway, own_port: int) -> None:
    with gateway.raw(port=own_port) as client:
        assert client.ask(get("/x/1")).body == b"/own/1"
        assert client.ask(get("/o/1")).body == b"/other/1"
        assert client.ask(get("/x/1", host="shop.test")).body == b"/own/1"
        assert client.ask(get("/tyk/apis")).status == 404


def test_unclean_paths_are_sent_to_clean_ones(gateway: Gateway) -> None:
    with gateway.raw() as client:
        for path, location in (("/x//1?q=1", b"/x/1?q=1"), ("/y/../x/1", b"/x/1"), ("/x/%2e%2e/x/1", b"/x/1")):
            answered = client.ask(get(path))
            assert (answered.status, answered.get(b"location"), answered.body) == (301, location, b"")
        assert client.ask(get("/x/b%2Fc")).body == b"/any/b%2Fc"


def test_ports_open_and_close_with_their_apis(upstream: Upstream, tmp_path: Path) -> None:
    port = free_port()
    with Gateway(tmp_path, apis=[api("/a/", upstream.url)], workers=2) as gateway:
        gateway.write_api(api("/own/", upstream.url, listen_port=port))
        gateway.reload()
        with gateway.raw(port=port) as kept:
            assert kept.ask(get("/own/x")).body == b"/x"
            (gateway.apps / "own.json").unlink()
            gateway.reload()
            until(lambda: refuses(gateway, port), "the port is closed")
        assert gateway.ask(get("/a/x")).body == b"/x"


def refuses(gateway: Gateway, port: int) -> bool:
    try:
        gateway.raw(port=port).close()
    except OSError:
        return True
    return False


def test_a_port_that_is_taken_hurts_nobody_else(upstream: Upstream, tmp_path: Path) -> None:
    with Upstream() as other:
        apis = [api("/a/", upstream.url), api("/own/", upstream.url, listen_port=other.port)]
        with Gateway(tmp_path, apis=apis) as gateway:
            assert gateway.ask(get("/a/x")).body == b"/x"
            assert f"cannot listen on 127.0.0.1:{other.port}" in gateway.log
