"""What a client may use up: header bytes and fields, time, connections, body bytes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateway import SECRET, Gateway, api, until
from tests.upstreams import Upstream, answer
from tests.wire import Wire, chunked, get, request

BODY_LIMIT = 100_000


def upstream_of_limits(wire: Wire, upstream: Upstream) -> None:
    """Answer /early before the body has come, and the rest when it has."""
    while True:
        head = wire.read_head()
        upstream.note(head)
        if head.target == b"/early":
            wire.send(answer(b"enough"))
            return
        if head.target == b"/large":
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
            while True:
                wire.send(b"x" * 65536)
        if (length := head.get(b"content-length")) is not None:
            wire.read(int(length))
        elif head.get(b"transfer-encoding") is not None:
            while wire.read_chunk():
                pass
            wire.read_until(b"\r\n")
        wire.send(answer(b"ok"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(upstream_of_limits) as one:
        yield one


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    conf = {
        "sluicegate": {
            "max_header_bytes": 8192,
            "max_header_count": 50,
            "header_timeout_s": 2,
            "body_timeout_s": 2,
            "idle_timeout_s": 2,
            "max_connections": 40,
        },
        "http_server_options": {"write_timeout": 2, "max_request_body_size": BODY_LIMIT},
    }
    with Gateway(tmp_path_factory.mktemp("gateway"), apis=[api("/a/", upstream.url)], conf=conf) as one:
        yield one


# -- bytes


def test_header_bytes(client: Wire) -> None:
    assert client.ask(get("/a/x", "X-A: " + "a" * 7000)).status == 200
    client.send(get("/a/x", "X-A: " + "a" * 9000))
    assert client.read_answer().status == 431
    assert client.is_closed()


def test_header_bytes_without_an_end(client: Wire) -> None:
    client.send(b"GET /a/x HTTP/1.1\r\n" + b"X-A: 1\r\n" * 200_000)
    assert client.read_answer().status == 431


def test_header_fields(client: Wire) -> None:
    assert client.ask(get("/a/x", *["X-A: 1"] * 40)).status == 200
    assert client.ask(get("/a/x", *["X-A: 1"] * 60)).status == 431
    assert client.is_closed()


def test_the_target_counts_as_well(client: Wire) -> None:
    assert client.ask(get("/a/" + "x" * 9000)).status == 431


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("in_one", [False, True])
def test_body_bytes(client: Wire, upstream: Upstream, is_chunked: bool, in_one: bool) -> None:
    body = b"b" * (BODY_LIMIT + 1)
    head = request("POST", "/a/x", "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {len(body)}")
    sent = chunked(*[body[at : at + 1000] for at in range(0, len(body), 1000)]) if is_chunked else body
    if in_one:
        client.send(head + sent)
    else:
        client.send(head)
        client.send(sent)
    answered = client.read_answer()
    assert (answered.status, answered.body) == (413, b"Request Entity Too Large\n")
    assert answered.get(b"x-content-type-options") == b"nosniff"


def test_a_chunked_body_counts_although_it_came_with_its_head(gateway: Gateway) -> None:
    with gateway.raw() as client:
        client.send(request("POST", "/a/x", "Transfer-Encoding: chunked") + chunked(b"b" * (BODY_LIMIT + 1)))
        assert client.read_answer().status == 413


def test_the_answer_survives_a_client_that_goes_on_sending(client: Wire) -> None:
    client.send(request("POST", "/a/x", "Content-Length: 5000000"))
    client.send(b"b" * 3_000_000)
    assert client.read_answer().status == 413


def test_the_admin_api_has_the_limit_too(client: Wire) -> None:
    assert client.ask(request("POST", "/tyk/keys", body=b"b" * (BODY_LIMIT + 1))).status == 413


def test_a_long_chunked_body_at_the_admin_api(client: Wire) -> None:
    client.send(request("POST", "/tyk/keys", f"X-Tyk-Authorization: {SECRET}", "Transfer-Encoding: chunked"))
    client.send(chunked(b"b" * (BODY_LIMIT + 1)))
    answered = client.read_answer()
    assert (answered.status, answered.body) == (413, b"Request Entity Too Large\n")


def test_the_admin_api_does_not_wait_for_the_body_of_a_stranger(client: Wire) -> None:
    client.send(request("POST", "/tyk/keys", f"Content-Length: {BODY_LIMIT}", "Expect: 100-continue"))
    assert client.read_answer().status == 403


# -- time


def test_a_slow_head(client: Wire) -> None:
    client.send(b"GET /a/x HTTP/1.1\r\nHost:")
    assert client.read_answer().status == 408
    assert client.is_closed()


def test_a_head_that_never_begins(client: Wire) -> None:
    assert client.is_closed()


def test_a_slow_head_is_not_helped_by_single_bytes(client: Wire) -> None:
    client.send(b"GET /a/")
    until(lambda: trickle(client), "the gateway gives up")


def trickle(client: Wire) -> bool:
    """Send one more byte; return whether the gateway has had enough."""
    try:
        client.send(b"x")
        return not client.is_silent(0.1)
    except OSError:
        return True


def test_a_slow_body(client: Wire, upstream: Upstream) -> None:
    client.send(request("POST", "/a/slow", "Content-Length: 10") + b"hello")
    assert client.read_answer().status == 408
    assert client.is_closed()


def test_the_rest_of_a_body_may_not_be_slow_either(client: Wire) -> None:
    client.send(request("POST", "/a/early", "Content-Length: 10") + b"hello")
    assert client.read_answer().body == b"enough"
    assert client.is_closed()


def test_a_rest_that_comes_leaves_the_connection_of_use(client: Wire) -> None:
    client.send(request("POST", "/a/early", "Content-Length: 90000") + b"hello")
    assert client.read_answer().body == b"enough"
    client.send(b"b" * 89995)
    assert client.ask(get("/a/x")).body == b"ok"


def test_an_idle_connection(client: Wire) -> None:
    assert client.ask(get("/a/x")).status == 200
    assert client.is_closed()


def test_a_client_that_reads_nothing(gateway: Gateway, upstream: Upstream) -> None:
    with gateway.raw() as client:
        client.send(get("/a/large"))
        until(lambda: any(one.target == b"/large" for one in upstream.requests))
        until(lambda: not connections(gateway), "the connection is cut")


def connections(gateway: Gateway) -> int:
    """Return how many client connections are open, but for the one that asks."""
    page = gateway.ask(get("/metrics")).body.decode()
    line = next(line for line in page.splitlines() if line.startswith("sluicegate_client_connections "))
    return int(float(line.split()[1])) - 1


# -- connections


def test_connections(gateway: Gateway) -> None:
    until(lambda: not connections(gateway), "earlier connections are gone")
    clients = [gateway.raw() for _ in range(60)]
    try:
        for one in clients:
            one.send(b"GET /a/x HTTP/1.1\r\nHost: a.test\r\n")
        assert sum(1 for one in clients if one.is_closed()) >= 20
    finally:
        for one in clients:
            one.close()
    until(lambda: not connections(gateway), "the gateway has room again")
    assert gateway.ask(get("/a/x")).status == 200
