"""SIGTERM: nothing new is taken, what is under way ends well within the set time, and the node exits with 0."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.gateway import Gateway, api, until
from tests.servers import free_port
from tests.upstreams import Upstream, answer
from tests.wire import ClosedError, Wire, get, request

BIG = 32 * 1024 * 1024


def gateway_with(folder: Path, upstream: Upstream, **conf: Any) -> Gateway:
    return Gateway(folder, apis=[api("/a/", upstream.url)], conf=conf, workers=2)


def terminate(gateway: Gateway) -> None:
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGTERM)


def no_longer_accepts(gateway: Gateway) -> Callable[[], bool]:
    def tried() -> bool:
        with contextlib.suppress(OSError):
            gateway.raw().close()
            return False
        return True

    return tried


class Held:
    """An upstream script that answers in two halves; the second when it is let go."""

    def __init__(self) -> None:
        self.gone = threading.Event()

    def __call__(self, wire: Wire, upstream: Upstream) -> None:
        upstream.take(wire)
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert self.gone.wait(20)
        wire.send(b"4\r\nlast\r\n0\r\n\r\n")


def test_a_stream_under_way_ends_well(tmp_path: Path) -> None:
    held = Held()
    with Upstream(held) as upstream, gateway_with(tmp_path, upstream) as gateway:
        with gateway.raw() as idle, gateway.raw() as client:
            client.send(get("/a/x"))
            assert client.read_head().status == 200
            assert client.read_chunk() == b"first"
            terminate(gateway)
            assert idle.is_closed(), "a connection that waits for a request has nothing to wait for"
            until(no_longer_accepts(gateway))
            held.gone.set()
            assert client.read_chunk() == b"last"
            assert client.read_chunk() == b""
            assert client.read_until(b"\r\n") == b"\r\n"
            assert client.is_closed()
        assert gateway.process is not None
        assert gateway.process.wait(20) == 0


def test_so_does_one_on_a_port_that_no_api_has_any_more(tmp_path: Path) -> None:
    held, port = Held(), free_port()
    with Upstream(held) as upstream, gateway_with(tmp_path, upstream) as gateway:
        gateway.write_api(api("/own/", upstream.url, listen_port=port))
        gateway.reload()
        with gateway.raw(port=port) as client:
            client.send(get("/own/x"))
            assert client.read_head().status == 200
            assert client.read_chunk() == b"first"
            (gateway.apps / "own.json").unlink()
            gateway.reload()
            terminate(gateway)
            until(no_longer_accepts(gateway))
            held.gone.set()
            assert client.read_chunk() == b"last"


def test_an_answer_that_has_not_begun_says_that_the_connection_closes(tmp_path: Path) -> None:
    gone = threading.Event()

    def slow(wire: Wire, upstream: Upstream) -> None:
        upstream.take(wire)
        assert gone.wait(20)
        wire.send(answer(b"done"))

    with Upstream(slow) as upstream, gateway_with(tmp_path, upstream) as gateway, gateway.raw() as client:
        client.send(get("/a/x"))
        upstream.await_requests(1)
        terminate(gateway)
        until(no_longer_accepts(gateway))
        gone.set()
        message = client.read_answer()
        assert (message.status, message.body) == (200, b"done")
        assert [value.lower() for value in message.all(b"connection")] == [b"close"]
        assert client.is_closed()


def test_an_answer_on_its_way_to_a_slow_reader_arrives_whole(tmp_path: Path) -> None:
    def big(wire: Wire, upstream: Upstream) -> None:
        upstream.take(wire)
        wire.send(answer(b"x" * BIG))

    with Upstream(big) as upstream, gateway_with(tmp_path, upstream) as gateway, gateway.raw() as client:
        client.send(get("/a/x"))
        head = client.read_head()
        terminate(gateway)
        until(no_longer_accepts(gateway))
        assert len(client.read(int(head.get(b"content-length") or 0))) == BIG
        assert client.is_closed()


def test_ready_says_503_before_the_port_closes(tmp_path: Path) -> None:
    with (
        Upstream() as upstream,
        gateway_with(tmp_path, upstream, graceful_shutdown_delay_seconds=2) as gateway,
        gateway.raw() as client,
    ):
        assert client.ask(get("/ready")).status == 200
        terminate(gateway)
        until(lambda: client.ask(get("/ready")).status == 503)
        assert gateway.ask(get("/a/x")).status == 200, "balancers need time to notice"
        until(no_longer_accepts(gateway))


def test_answers_during_the_delay_end_their_connections(tmp_path: Path) -> None:
    """So a balancer's kept connections are gone, without a request lost, when the port closes."""
    with (
        Upstream() as upstream,
        gateway_with(tmp_path, upstream, graceful_shutdown_delay_seconds=5) as gateway,
        gateway.raw() as kept,
    ):
        assert kept.ask(get("/a/x")).get(b"connection") is None
        terminate(gateway)
        until(lambda: gateway.ask(get("/ready")).status == 503)
        until(lambda: gateway.ask(get("/a/x")).get(b"connection") == b"close")
        last = kept.ask(get("/a/x"))
        assert (last.status, last.get(b"connection")) == (200, b"close")
        assert kept.is_closed()


def test_whoever_got_in_is_answered(tmp_path: Path) -> None:
    """A connection is refused, or its request is answered: what is reset, nobody knows whether to send again."""
    torn: list[str] = []
    begun = threading.Semaphore(0)

    def come_and_go(gateway: Gateway) -> None:
        while True:
            try:
                client = gateway.raw()
            except ConnectionRefusedError:
                return
            try:
                with client:
                    assert client.ask(request("POST", "/a/x", body=b"x")).status == 200
            except (OSError, ClosedError) as error:
                torn.append(repr(error))
            begun.release()

    with Upstream() as upstream, gateway_with(tmp_path, upstream) as gateway:
        clients = [threading.Thread(target=come_and_go, args=(gateway,)) for _ in range(24)]
        for client in clients:
            client.start()
        for _ in range(200):
            assert begun.acquire(timeout=20)
        terminate(gateway)
        for client in clients:
            client.join(20)
    assert not torn


def test_what_takes_longer_than_the_set_time_is_cut(tmp_path: Path) -> None:
    held = Held()
    with (
        Upstream(held) as upstream,
        gateway_with(tmp_path, upstream, graceful_shutdown_timeout_duration=1) as gateway,
        gateway.raw() as client,
    ):
        client.send(get("/a/x"))
        assert client.read_head().status == 200
        assert client.read_chunk() == b"first"
        assert gateway.stop() == 0
        with contextlib.suppress(ClosedError):
            raise AssertionError(client.read_chunk())
        held.gone.set()


def test_interrupted_again_it_ends_at_once(tmp_path: Path) -> None:
    held = Held()
    with Upstream(held) as upstream:
        gateway = gateway_with(tmp_path, upstream)
        gateway.start()
        with gateway.raw() as client:
            client.send(get("/a/x"))
            assert client.read_head().status == 200
            assert client.read_chunk() == b"first"
            terminate(gateway)
            until(no_longer_accepts(gateway))
            terminate(gateway)
            assert client.is_silent(), "a second SIGTERM changes nothing"
            assert gateway.process is not None
            gateway.process.send_signal(signal.SIGINT)
            assert gateway.process.wait(10) == 0
            held.gone.set()
