"""A connection to a target in memory: when it goes back to the pool, and what its client hears."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.fakes.transports import FakeTransport

from sluicegate.clock import ticks
from sluicegate.errors import UpstreamError, UpstreamFault
from sluicegate.upstream.peer import CLOSED, IDLE, Peer
from sluicegate.upstream.pool import Pool, PoolCounts, PoolLimits
from sluicegate.upstream.target import parse_target
from sluicegate.wire.headers import Field
from sluicegate.wire.http1_read import ResponseHead

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TARGET = parse_target("http://a.test")


class Listening:
    """The client of an exchange: remembers what it is told."""

    def __init__(self) -> None:
        self.status, self.body, self.done = 0, b"", False
        self.error: UpstreamError | None = None
        self.tunnel: list[bytes | None] = []
        self.paused = False

    def on_response(self, peer: Peer, head: ResponseHead, body: bytes, done: bool) -> None:
        assert not self.status
        self.status, self.body, self.done = head.status, body, done

    def on_response_body(self, data: bytes, done: bool, trailers: list[Field] | None = None) -> None:
        assert not self.done
        self.body, self.done = self.body + data, done

    def on_tunnel_data(self, data: bytes) -> None:
        self.tunnel.append(data)

    def on_tunnel_end(self) -> None:
        self.tunnel.append(None)

    def on_upstream_error(self, error: UpstreamError) -> None:
        assert not self.done
        self.error = error

    def pause_body(self) -> None:
        self.paused = True

    def resume_body(self) -> None:
        self.paused = False


class Bench:
    """A pool with one connection."""

    def __init__(self, **limits: Any) -> None:
        own = PoolLimits(**{"max_idle": 2, "idle_s": 10.0, "head_bytes": 1000, "head_fields": 10, **limits})
        self.busy: set[Pool] = set()
        self.pool = Pool(TARGET, None, own, PoolCounts(), self.busy)  # type: ignore[arg-type]
        self.transport = FakeTransport()
        self.peer = Peer(self.pool)
        self.peer.connection_made(self.transport)
        self.pool.in_flight += 1

    def begin(self, *, method: bytes = b"GET", done: bool = True, timeout_s: float = 30.0) -> Listening:
        client = Listening()
        self.peer.begin(client, method, b"request", done, timeout_s, ticks())
        return client

    def exchange(self, *answer: bytes, **begun: Any) -> Listening:
        """Return what a client hears of an answer in these pieces."""
        client = self.begin(**begun)
        for piece in answer:
            self.peer.data_received(piece)
        return client

    @property
    def is_pooled(self) -> bool:
        return self.peer in self.pool.idle and self.peer.state == IDLE


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "body", "method"),
    [
        ((ANSWER,), b"ok", b"GET"),
        (tuple(ANSWER[at : at + 1] for at in range(len(ANSWER))), b"ok", b"GET"),
        ((CHUNKED + b"2\r\nok\r\n0\r\n\r\n",), b"ok", b"GET"),
        ((CHUNKED, b"2\r\nok", b"\r\n0\r\n", b"\r\n"), b"ok", b"GET"),
        ((b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER,), b"ok", b"GET"),
        ((HEAD + b"Content-Length: 99\r\n\r\n",), b"", b"HEAD"),
        ((CHUNKED,), b"", b"HEAD"),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), b"", b"GET"),
        ((b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n",), b"", b"GET"),
        ((b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",), b"ok", b"GET"),
    ],
)
def test_a_whole_answer_frees_the_connection(answer: tuple[bytes, ...], body: bytes, method: bytes) -> None:
    bench = Bench()
    client = bench.exchange(*answer, method=method)
    assert (client.body, client.done, client.error) == (body, True, None)
    assert bench.is_pooled
    assert bench.pool.in_flight == 0
    assert bench.pool.take() is bench.peer


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ANSWER + b"x",
        CHUNKED + b"2\r\nok\r\n0\r\n\r\nx",
    ],
)
def test_an_answer_that_leaves_doubts_ends_it(answer: bytes) -> None:
    for pieces in ((answer,), (answer[:-3], answer[-3:])):
        bench = Bench()
        client = bench.exchange(*pieces)
        assert (client.body, client.done) == (b"ok", True)
        assert (bench.is_pooled, bench.transport.gone, bench.pool.in_flight) == (False, True, 0)


def test_an_answer_before_the_request_was_whole_ends_it() -> None:
    bench = Bench()
    assert bench.exchange(ANSWER, done=False).done
    assert (bench.is_pooled, bench.transport.gone) == (False, True)


def test_an_answer_before_the_request_was_taken_ends_it() -> None:
    bench = Bench()
    client = bench.begin()
    bench.peer.pause_writing()
    bench.peer.data_received(ANSWER)
    assert client.done
    assert (bench.is_pooled, bench.transport.gone, bench.transport.aborted) == (False, True, False)


def test_a_request_that_was_taken_slowly_frees_the_connection() -> None:
    bench = Bench()
    bench.begin()
    bench.peer.pause_writing()
    bench.peer.resume_writing()
    bench.peer.data_received(ANSWER)
    assert bench.is_pooled


def test_the_end_of_the_connection_may_be_the_end_of_the_answer() -> None:
    bench = Bench()
    client = bench.exchange(HEAD + b"\r\nso", b" far")
    assert not client.done
    bench.peer.connection_lost(None)
    assert (client.body, client.done, bench.pool.in_flight) == (b"so far", True, 0)


def lose(bench: Bench) -> None:
    bench.peer.connection_lost(ConnectionResetError("reset"))


@pytest.mark.parametrize(
    ("answer", "then", "fault"),
    [
        (b"", lose, UpstreamFault.RESET),
        (ANSWER[:-1], lose, UpstreamFault.RESET),
        (HEAD + b"\r\nso far", lose, UpstreamFault.RESET),
        (CHUNKED + b"2\r\nok\r\n", lambda bench: bench.peer.connection_lost(None), UpstreamFault.RESET),
        (b"nonsense\r\n", None, UpstreamFault.PROTOCOL),
        (HEAD + b"a" * 2000, None, UpstreamFault.PROTOCOL),
        (HEAD + b"A: 1\r\n" * 20 + b"\r\n", None, UpstreamFault.PROTOCOL),
        (CHUNKED + b"nonsense\r\n", None, UpstreamFault.PROTOCOL),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20, None, UpstreamFault.PROTOCOL),
    ],
)
def test_what_goes_wrong_is_told_once(
    answer: bytes, then: Callable[[Bench], None] | None, fault: UpstreamFault
) -> None:
    bench = Bench()
    client = bench.exchange(answer)
    if then is not None:
        then(bench)
    assert client.error is not None
    assert (client.error.fault, client.error.untouched) == (fault, False)
    assert bench.pool.in_flight == 0
    bench.peer.connection_lost(None)
    assert bench.pool.in_flight == 0
    assert not bench.pool.peers


def test_a_used_connection_that_closes_in_silence_was_stale() -> None:
    bench = Bench()
    bench.exchange(ANSWER)
    assert bench.pool.take() is bench.peer
    client = bench.begin()
    lose(bench)
    assert client.error is not None
    assert client.error.untouched


@pytest.mark.parametrize("begun", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_one_that_has_begun_to_answer_was_not(begun: bytes) -> None:
    bench = Bench()
    bench.exchange(ANSWER)
    assert bench.pool.take() is bench.peer
    client = bench.exchange(begun)
    lose(bench)
    assert client.error is not None
    assert not client.error.untouched


@pytest.mark.parametrize("ending", [lambda peer: peer.data_received(b"x"), lambda peer: peer.eof_received()])
def test_an_idle_connection_that_speaks_or_ends_is_not_taken(ending: Callable[[Peer], None]) -> None:
    bench = Bench()
    bench.exchange(ANSWER)
    ending(bench.peer)
    assert bench.pool.take() is None


# -- time


def test_the_time_for_an_answer_runs_from_the_end_of_the_request() -> None:
    bench = Bench()
    client = bench.begin(done=False)
    bench.pool.sweep(ticks() + 1000)
    assert client.error is None
    bench.peer.end_request(False, [])
    bench.pool.sweep(ticks() + 29)
    assert client.error is None
    bench.pool.sweep(ticks() + 31)
    assert client.error is not None
    assert client.error.fault is UpstreamFault.TIMEOUT


def test_an_upstream_that_takes_nothing_more_is_given_up() -> None:
    bench = Bench()
    client = bench.begin(done=False)
    bench.peer.pause_writing()
    assert client.paused
    bench.peer.resume_writing()
    bench.pool.sweep(ticks() + 1000)
    assert client.error is None
    bench.peer.pause_writing()
    bench.pool.sweep(ticks() + 31)
    assert client.error is not None


def test_a_slow_body_has_no_time_limit() -> None:
    bench = Bench()
    client = bench.exchange(ANSWER[:-1])
    bench.pool.sweep(ticks() + 1000)
    assert client.error is None


def test_idle_connections_end() -> None:
    bench = Bench()
    bench.exchange(ANSWER)
    now = ticks()
    bench.pool.sweep(now)
    bench.pool.sweep(now + 9)
    assert not bench.transport.gone
    bench.pool.sweep(now + 11)
    assert bench.transport.gone
    assert not bench.transport.aborted
    bench.pool.sweep(now + 12)
    bench.pool.sweep(now + 23)
    assert bench.transport.aborted, "one that cannot be closed in good order is cut"


def test_no_more_are_kept_than_asked_for() -> None:
    bench = Bench(max_idle=0)
    bench.exchange(ANSWER)
    assert (bench.is_pooled, bench.transport.gone) == (False, True)


def test_a_closed_pool_lets_what_is_under_way_finish() -> None:
    bench = Bench()
    client = bench.begin()
    bench.pool.close()
    assert bench.busy == {bench.pool}
    bench.peer.data_received(ANSWER)
    assert (client.done, bench.transport.gone) == (True, True)
    bench.peer.connection_lost(None)
    assert not bench.busy


# -- tunnels


def tunnel() -> tuple[Bench, Listening]:
    bench = Bench()
    client = bench.exchange(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
    assert (client.status, client.done) == (101, False)
    return bench, client


def test_the_upstream_ends_a_tunnel() -> None:
    bench, client = tunnel()
    bench.peer.data_received(b"data")
    bench.peer.connection_lost(None)
    assert client.tunnel == [b"data", None]
    assert bench.pool.in_flight == 0


def test_the_client_ends_a_tunnel() -> None:
    bench, client = tunnel()
    bench.peer.end_tunnel()
    assert (bench.transport.gone, bench.transport.aborted, bench.peer.state) == (True, False, CLOSED)
    bench.peer.connection_lost(None)
    assert client.tunnel == []
    assert bench.pool.in_flight == 0
