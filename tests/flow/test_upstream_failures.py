"""Upstreams that fail: told apart, tried elsewhere where that is safe, and never let through to the client."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.gateway import Gateway, api, paths, until
from tests.servers import free_port
from tests.upstreams import Upstream, answer, closing_after
from tests.wire import ClosedError, Message, Wire, get, request

HARD_TIMEOUT = "Upstream service reached hard timeout."
NOT_PROXIED = "There was a problem proxying the request"


def error(message: Message) -> str:
    """Return the text of the gateway's error."""
    found: str = json.loads(message.body)["error"]
    return found


def silent(wire: Wire, upstream: Upstream) -> None:
    """Take a request, and never answer."""
    upstream.take(wire)
    wire.read_to_end()


def balanced(listen_path: str, *targets: str, **more: Any) -> dict[str, Any]:
    proxy = {"enable_load_balancing": True, "target_list": list(targets)}
    return api(listen_path, proxy=proxy | more)


class Stale:
    """Answers one request of each connection, and closes it as soon as the next one comes, without an answer."""

    def __init__(self, tells: bytes = b"") -> None:
        self.tells = tells

    def __call__(self, wire: Wire, upstream: Upstream) -> None:
        upstream.take(wire)
        wire.send(answer(b"first"))
        upstream.take(wire)
        wire.send(self.tells)
        wire.reset()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("gateway"), conf={"proxy_default_timeout": 2}) as one:
        yield one


def serve(gateway: Gateway, *apis: dict[str, Any]) -> None:
    """Have the gateway serve these APIs and no others."""
    for file in gateway.apps.iterdir():
        file.unlink()
    for definition in apis:
        gateway.write_api(definition)
    gateway.reload()


# -- told apart


def test_refused(gateway: Gateway) -> None:
    serve(gateway, api("/a/", f"http://127.0.0.1:{free_port()}"))
    answered = gateway.ask(get("/a/x"))
    assert (answered.status, error(answered)) == (500, NOT_PROXIED)
    assert answered.get(b"content-type") == b"application/json"


def test_no_such_host(gateway: Gateway) -> None:
    serve(gateway, api("/a/", "http://no-such-host.invalid"))
    answered = gateway.ask(get("/a/x"))
    assert (answered.status, error(answered)) == (500, "Upstream host lookup failed")


def test_no_answer_in_time(gateway: Gateway) -> None:
    with Upstream(silent) as upstream:
        serve(gateway, api("/a/", upstream.url))
        answered = gateway.ask(get("/a/x"))
        assert (answered.status, error(answered)) == (504, HARD_TIMEOUT)


def test_no_connection_in_time(gateway: Gateway) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # Those that are waiting fill the queue; the next one gets no answer from the kernel.
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        serve(gateway, api("/a/", f"http://127.0.0.1:{full.getsockname()[1]}"))
        answered = gateway.ask(get("/a/x"))
        assert (answered.status, error(answered)) == (504, HARD_TIMEOUT)
        for one in waiting:
            one.close()


def test_an_endpoint_has_its_own_timeout(tmp_path: Path) -> None:
    timeouts = [{"path": "/slow", "method": "GET", "timeout": 1}]
    with Upstream(silent) as upstream:
        one = api("/a/", upstream.url, version_data=paths(hard_timeouts=timeouts))
        with Gateway(tmp_path, apis=[one], conf={"proxy_default_timeout": 1000}) as gateway:
            answered = gateway.ask(get("/a/slow"))
            assert (answered.status, error(answered)) == (504, HARD_TIMEOUT)


def test_an_enforced_timeout_counts_for_all_targets_together(tmp_path: Path) -> None:
    def shakes_no_hands(wire: Wire, upstream: Upstream) -> None:
        wire.read_to_end()

    timeouts = [{"path": "/slow", "method": "GET", "timeout": 1}]
    with Upstream(shakes_no_hands) as upstream:
        targets = [f"https://127.0.0.1:{upstream.port}/{number}" for number in range(5)]
        with Gateway(
            tmp_path, apis=[balanced("/a/", *targets) | {"version_data": paths(hard_timeouts=timeouts)}]
        ) as one:
            begun = time.monotonic()
            answered = one.ask(get("/a/slow"))
            assert (answered.status, error(answered)) == (504, HARD_TIMEOUT)
            assert time.monotonic() - begun < 4
            assert upstream.connections == 1, "the others are not to blame"


def test_the_time_of_an_upload_is_not_the_upstreams(gateway: Gateway) -> None:
    """`proxy_default_timeout` runs from the end of the request on."""
    with Upstream() as upstream:
        serve(gateway, api("/a/", upstream.url))
        with gateway.raw() as client:
            client.send(request("POST", "/a/x", "Content-Length: 3"))
            for _ in range(3):
                assert client.is_silent(0.9)
                client.send(b"b")
            assert client.read_answer().status == 200


def test_an_upstream_that_takes_no_more_of_an_upload(gateway: Gateway) -> None:
    stop = threading.Event()

    def takes_nothing(wire: Wire, upstream: Upstream) -> None:
        wire.read_head()
        stop.wait(20)

    with Upstream(takes_nothing) as upstream:
        serve(gateway, api("/a/", upstream.url))
        with gateway.raw() as client:
            sender = threading.Thread(
                target=send_what_goes, args=(client, request("POST", "/a/x", "Content-Length: 100000000"))
            )
            sender.start()
            assert client.read_answer().status == 504
        stop.set()
        sender.join()


def send_what_goes(client: Wire, head: bytes) -> None:
    try:
        client.send(head + bytes(100_000_000))
    except OSError:
        pass


# -- connections that went stale


def test_a_stale_connection_is_replaced_unseen(gateway: Gateway) -> None:
    with Upstream(Stale()) as upstream:
        serve(gateway, api("/a/", upstream.url))
        with gateway.raw() as client:
            for method in ("GET", "GET", "HEAD", "PUT", "DELETE"):
                body = b"b" if method == "PUT" else None
                assert client.ask(request(method, "/a/x", body=body)).status == 200
            assert upstream.connections == 5


def test_what_is_not_safe_to_repeat_is_not_repeated(gateway: Gateway) -> None:
    with Upstream(Stale()) as upstream:
        serve(gateway, api("/a/", upstream.url))
        with gateway.raw() as client:
            assert client.ask(get("/a/1")).status == 200
            answered = client.ask(request("POST", "/a/2", body=b"b"))
            assert (answered.status, error(answered)) == (500, NOT_PROXIED)
        assert [one.target for one in upstream.requests] == [b"/1", b"/2"]


@pytest.mark.parametrize("tells", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 2"])
def test_an_upstream_that_has_begun_to_answer_is_not_asked_again(gateway: Gateway, tells: bytes) -> None:
    with Upstream(Stale(tells)) as upstream:
        serve(gateway, api("/a/", upstream.url))
        with gateway.raw() as client:
            assert client.ask(get("/a/1")).status == 200
            assert client.ask(get("/a/2")).status == 500
        assert upstream.connections == 1


def test_a_body_that_has_left_is_not_sent_again(gateway: Gateway) -> None:
    with Upstream(Stale()) as upstream:
        serve(gateway, api("/a/", upstream.url))
        with gateway.raw() as client:
            assert client.ask(get("/a/1")).status == 200
            client.send(request("PUT", "/a/2", "Content-Length: 10"))
            client.send(b"0123456789")
            assert client.read_answer().status in (200, 500)
        assert upstream.connections <= 2


def test_a_new_connection_that_is_closed_is_no_stale_one(gateway: Gateway) -> None:
    with Upstream(closing_after(b"")) as upstream:
        serve(gateway, api("/a/", upstream.url))
        answered = gateway.ask(get("/a/x"))
        assert (answered.status, error(answered), upstream.connections) == (500, NOT_PROXIED, 1)


def test_a_connection_that_was_closed_while_idle_is_not_used(gateway: Gateway) -> None:
    """Not even for a POST, which could not be repeated."""
    with Upstream(closing_after(answer(b"ok"))) as upstream:
        serve(gateway, api("/a/", upstream.url))
        with gateway.raw() as client:
            for number in range(1, 20):
                assert client.ask(request("POST", "/a/x", body=b"b")).status == 200
                until(lambda: not upstream.wires, "the upstream has closed")
                assert upstream.connections == number


# -- early answers


def test_an_answer_before_the_end_of_the_request_ends_the_connection_to_the_upstream(gateway: Gateway) -> None:
    def early(wire: Wire, upstream: Upstream) -> None:
        while True:
            head = wire.read_head()
            upstream.note(head)
            wire.send(answer(b"early " + head.target))
            if head.method == b"POST":
                wire.read_to_end()
                return

    with Upstream(early) as upstream:
        serve(gateway, api("/a/", upstream.url))
        with gateway.raw() as client:
            client.send(request("POST", "/a/1", "Content-Length: 100000") + b"b")
            assert client.read_answer().body == b"early /1"
            client.send(b"b" * 99_999)
            assert client.ask(get("/a/2")).body == b"early /2"
        assert upstream.connections == 2


def test_an_answer_that_goes_on_while_the_request_does(gateway: Gateway) -> None:
    """An upstream that echoes: neither side waits for the end of the other."""

    def echoes(wire: Wire, upstream: Upstream) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: x/y\r\nTransfer-Encoding: chunked\r\n\r\n")
        while piece := wire.read_chunk():
            wire.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        wire.send(b"0\r\n\r\n")

    with Upstream(echoes) as upstream:
        serve(gateway, api("/a/", upstream.url))
        with gateway.raw() as client:
            client.send(request("POST", "/a/x", "Transfer-Encoding: chunked"))
            client.send(b"3\r\none\r\n")
            client.read_head()
            assert client.read_chunk() == b"one"
            client.send(b"3\r\ntwo\r\n")
            assert client.read_chunk() == b"two"
            client.send(b"0\r\n\r\n")
            assert client.read_until(b"\r\n\r\n") == b"0\r\n\r\n"


# -- several targets


def test_a_refused_connection_goes_to_the_next_target_unseen(gateway: Gateway) -> None:
    with Upstream(name="good") as good:
        serve(gateway, balanced("/a/", f"http://127.0.0.1:{free_port()}", good.url))
        with gateway.raw() as client:
            for number in range(20):
                assert client.ask(request("POST", f"/a/{number}", body=b"b" * number)).status == 200
        assert [one.body for one in good.requests] == [b"b" * number for number in range(20)]


def test_a_target_that_comes_back_is_used_again(gateway: Gateway) -> None:
    with Upstream(name="good") as good:
        port = free_port()
        serve(gateway, balanced("/a/", f"http://127.0.0.1:{port}", good.url))
        for _ in range(10):
            assert gateway.ask(get("/a/x")).status == 200
        back = socket.create_server(("127.0.0.1", port))
        with back:
            accepted = threading.Event()
            threading.Thread(target=answer_once, args=(back, accepted), daemon=True).start()
            until(lambda: gateway.ask(get("/a/x")).status == 200 and accepted.is_set(), "it is asked again")


def answer_once(listening: socket.socket, accepted: threading.Event) -> None:
    try:
        while True:
            wire = Wire(listening.accept()[0])
            wire.read_head()
            wire.send(answer(b"back", b"Connection: close"))
            wire.close()
            accepted.set()
    except (OSError, ClosedError):
        pass


def test_all_targets_refuse(gateway: Gateway) -> None:
    serve(gateway, balanced("/a/", f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"))
    for _ in range(10):
        answered = gateway.ask(get("/a/x"))
        assert (answered.status, error(answered)) == (500, NOT_PROXIED)


def test_no_targets(gateway: Gateway) -> None:
    serve(gateway, balanced("/a/"))
    answered = gateway.ask(get("/a/x"))
    assert (answered.status, answered.body) == (503, b"all hosts are down\n")
    assert answered.get(b"x-ratelimit-limit") == b"0"


# -- the breaker


def test_the_breaker_opens(gateway: Gateway) -> None:
    breaker = {"path": "/b", "method": "GET", "threshold_percent": 0.5, "samples": 4, "return_to_service_after": 100}
    failing = answer(b"broken", status=b"500 Internal Server Error")

    def fails(wire: Wire, upstream: Upstream) -> None:
        while True:
            upstream.take(wire)
            wire.send(failing)

    with Upstream(fails) as upstream:
        serve(gateway, api("/a/", upstream.url, version_data=paths(circuit_breakers=[breaker])))
        with gateway.raw() as client:
            until(lambda: client.ask(get("/a/b")).status == 503, "the breaker opens")
            answered = client.ask(get("/a/b"))
            assert (answered.status, error(answered)) == (503, "Service temporarily unavailable.")
            asked = len(upstream.requests)
            assert client.ask(get("/a/b")).status == 503
            assert len(upstream.requests) == asked
            assert client.ask(get("/a/other")).status == 500
