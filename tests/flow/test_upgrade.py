"""Connections that change their protocol (WebSocket): bytes pass unseen, both ways, until either side closes."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gateway import Gateway, api
from tests.upstreams import Upstream, answer
from tests.wire import Wire, get, request

UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: abc", "Sec-WebSocket-Version: 13")
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"
)
LARGE = 20_000_000


Ended = queue.Queue[bytes]
"""What came before the end of each tunnel whose end the upstream has seen."""


@pytest.fixture(scope="module")
def ended() -> Ended:
    return Ended()


@pytest.fixture(scope="module")
def upstream(ended: Ended) -> Iterator[Upstream]:
    def script(wire: Wire, upstream: Upstream) -> None:
        while (message := wire.read_head()).get(b"upgrade") is None or message.target == b"/declines":
            upstream.note(message)
            wire.send(answer(b"plain"))
        upstream.note(message)
        if message.target == b"/greets":
            wire.send(SWITCHING + b"hello")
        else:
            wire.send(SWITCHING)
        if message.target == b"/hangs-up":
            wire.send(b"bye")
        elif message.target == b"/floods":
            for _ in range(LARGE // 1000):
                wire.send(b"f" * 1000)
        elif message.target == b"/counts":
            assert len(wire.read(LARGE)) == LARGE
            wire.send(b"all")
        elif message.target == b"/collects":
            ended.put(wire.read_to_end())
        else:
            while data := wire.read_until(b"\n"):
                wire.send(b"you said " + data)

    with Upstream(script) as one:
        yield one


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    keyed = api("/keyed/", upstream.url, use_keyless=False, auth={"auth_header_name": "Authorization"})
    apis = [api("/a/", upstream.url), api("/ws/", upstream.url.replace("http:", "ws:")), keyed]
    with Gateway(tmp_path_factory.mktemp("gateway"), apis=apis) as one:
        yield one


def upgraded(client: Wire, target: str) -> None:
    """Change the protocol of a connection."""
    head = client.ask(get(target, *UPGRADE))
    assert head.start == b"HTTP/1.1 101 Switching Protocols"
    assert (head.get(b"upgrade"), head.get(b"connection")) == (b"websocket", b"Upgrade")
    assert head.get(b"sec-websocket-accept") == b"x"
    assert head.get(b"x-ratelimit-limit") is None


@pytest.mark.parametrize("listen_path", ["/a", "/ws"])
def test_both_sides_talk(gateway: Gateway, upstream: Upstream, listen_path: str) -> None:
    with gateway.raw() as client:
        upgraded(client, f"{listen_path}/x")
        for word in (b"one\n", b"two\n"):
            client.send(word)
            assert client.read_until(b"\n") == b"you said " + word
    asked = upstream.requests[-1]
    assert (asked.get(b"connection"), asked.get(b"upgrade")) == (b"Upgrade", b"websocket")
    assert asked.get(b"sec-websocket-key") == b"abc"


def test_what_comes_at_once_is_not_lost(gateway: Gateway) -> None:
    with gateway.raw() as client:
        client.send(get("/a/greets", *UPGRADE) + b"early\n" + b"e" * 300_000 + b"\n")
        assert client.read_head().status == 101
        assert client.read(5) == b"hello"
        assert client.read_until(b"\n") == b"you said early\n"
        assert client.read_until(b"\n") == b"you said " + b"e" * 300_000 + b"\n"


def test_the_upstream_may_close(gateway: Gateway) -> None:
    with gateway.raw() as client:
        upgraded(client, "/a/hangs-up")
        assert client.read_to_end() == b"bye"


def test_the_client_may_close(gateway: Gateway, ended: Ended) -> None:
    with gateway.raw() as client:
        upgraded(client, "/a/collects")
        client.send(b"last words" * 10_000)
    assert ended.get(timeout=20) == b"last words" * 10_000


def test_the_client_may_have_said_all_before_the_tunnel_is_there(gateway: Gateway, ended: Ended) -> None:
    with gateway.raw() as client:
        client.send(get("/a/collects", *UPGRADE) + b"last words")
        client.half_close()
        assert client.read_head().status == 101
        assert ended.get(timeout=20) == b"last words"
        assert client.is_closed()


def test_neither_side_is_faster_than_the_other(gateway: Gateway) -> None:
    with gateway.raw() as client:
        upgraded(client, "/a/floods")
        assert len(client.read_to_end()) == LARGE
    with gateway.raw() as client:
        upgraded(client, "/a/counts")
        client.send(b"c" * LARGE)
        assert client.read(3) == b"all"


def test_an_upstream_that_declines_answers_as_ever(gateway: Gateway) -> None:
    with gateway.raw() as client:
        assert client.ask(get("/a/declines", *UPGRADE)).body == b"plain"
        assert client.ask(get("/a/x")).body == b"plain"


def test_who_may_not_gets_an_ordinary_answer(gateway: Gateway) -> None:
    assert gateway.ask(get("/keyed/x", *UPGRADE)).status == 401


def test_no_upgrade_while_a_body_is_coming(gateway: Gateway) -> None:
    with gateway.raw() as client:
        client.send(request("POST", "/a/x", *UPGRADE, "Content-Length: 10") + b"hello")
        assert client.read_answer().status == 500


def test_upgrades_can_be_switched_off(upstream: Upstream, tmp_path: Path) -> None:
    conf = {"http_server_options": {"enable_websockets": False}}
    with Gateway(tmp_path, apis=[api("/a/", upstream.url)], conf=conf) as gateway:
        assert gateway.ask(get("/a/x", *UPGRADE)).body == b"plain"
        assert upstream.requests[-1].get(b"sec-websocket-key") == b"abc"


def test_a_node_that_ends_does_not_wait_for_tunnels_for_ever(upstream: Upstream, tmp_path: Path) -> None:
    conf = {"graceful_shutdown_timeout_duration": 1}
    with Gateway(tmp_path, apis=[api("/a/", upstream.url)], conf=conf) as gateway, gateway.raw() as client:
        upgraded(client, "/a/x")
        assert gateway.stop() == 0
        assert client.is_closed()
