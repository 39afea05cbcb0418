"""A client connection in memory: any bytes in any pieces, deadlines, and the ways in which it ends."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.exchange import make_services
from tests.fakes.routes import PORT
from tests.fakes.transports import FakeTransport

from sluicegate.chain.chain import NO_STEPS
from sluicegate.chain.exchange import Exchange
from sluicegate.chain.outcome import Reply
from sluicegate.listener.connection import LINGER_S, Connection
from sluicegate.listener.limits import limits_of
from sluicegate.listener.listener import ConnectionCounts, Listener
from sluicegate.listener.serve import Serve
from sluicegate.routing.reload import stand_in
from sluicegate.wire.http1_read import RequestHead

GET = b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\n"


class Echo(Serve):
    """Answers each request with its body; `/wait` is not answered until the test does it."""

    def __init__(self) -> None:
        self.services = make_services()
        self.finished_ones: list[Exchange] = []
        self.route = stand_in("echo")

    def begin(self, connection: Connection, head: RequestHead) -> None:
        exchange = connection.exchange = Exchange(connection, head, self.route, self.services, head.method)
        exchange.chain = NO_STEPS
        if head.path == b"/early":
            connection.reply(exchange, Reply(200, [], b"early"))
        elif head.path != b"/wait":
            connection.park(self.answer(connection, exchange))

    async def answer(self, connection: Connection, exchange: Exchange) -> None:
        connection.reply(exchange, Reply(200, [], await connection.read_body(0)))

    def finished(self, exchange: Exchange) -> None:
        self.finished_ones.append(exchange)


class Bench:
    """A connection, with everything around it that a test wants to look at."""

    def __init__(self) -> None:
        self.serve = Echo()
        self.listener = Listener(
            asyncio.get_running_loop(),
            self.serve,
            limits_of(self.serve.services.settings),
            ConnectionCounts(),
            address="",
            port=PORT,
            control=None,
        )
        self.transport = FakeTransport()
        self.connection = Connection(self.listener)
        self.connection.connection_made(self.transport)

    async def say(self, *pieces: bytes) -> bytes:
        """Have the client send something, and return all that it has been sent."""
        for piece in pieces:
            if not self.transport.gone:
                self.connection.data_received(piece)
            await self.settle()
        return self.transport.written

    async def settle(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    def wait(self, seconds: float) -> None:
        """Let time pass, as the listener's sweep sees it."""
        self.listener.now += seconds
        if self.connection.deadline and self.connection.deadline < self.listener.now:
            self.connection.expire()


def bodies(written: bytes) -> list[bytes]:
    """Return the bodies of the answers."""
    return [part.partition(b"\r\n\r\n")[2] for part in written.split(ANSWER)[1:]]


# -- any bytes, in any pieces

MESSAGES = st.lists(
    st.sampled_from(
        [
            GET,
            POST + b"hello",
            CHUNKED + b"5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
            CHUNKED + b"0\r\n\r\n",
            b"\r\n" + GET,
            b"GET /early HTTP/1.1\r\nHost: a.test\r\n\r\n",
            b"POST /early HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello",
        ]
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60)
@given(messages=MESSAGES, cuts=st.lists(st.integers(0, 600), max_size=8))
def test_the_pieces_make_no_difference(messages: list[bytes], cuts: list[int]) -> None:
    async def run() -> None:
        data = b"".join(messages)
        places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        bench = Bench()
        for start, end in pairwise(places):
            await bench.say(data[start:end])
        for _ in messages:
            await bench.settle()
        assert bench.transport.written.count(ANSWER) == len(messages)
        assert len(bench.serve.finished_ones) == len(messages)
        assert not bench.transport.gone

    asyncio.run(run())


@settings(max_examples=200)
@given(
    data=st.binary(max_size=200), start=st.sampled_from([b"", GET, POST, CHUNKED, GET[:-2], b"POST /wait HTTP/1.1\r\n"])
)
def test_no_bytes_do_harm(data: bytes, start: bytes) -> None:
    async def run() -> None:
        bench = Bench()
        await bench.say(start, data)
        bench.connection.connection_lost(None)
        await bench.settle()
        assert not bench.listener.connections

    asyncio.run(run())


# -- deadlines


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        (b"", "header_timeout_s"),
        (GET[:10], "header_timeout_s"),
        (POST + b"he", "body_timeout_s"),
        (GET, "idle_timeout_s"),
    ],
)
async def test_each_wait_for_the_client_ends(said: bytes, limit: str) -> None:
    bench = Bench()
    if said:
        await bench.say(said)
    limit_s = getattr(bench.connection.limits, limit)
    bench.wait(limit_s - 0.1)
    assert not (bench.transport.gone or bench.transport.ended)
    bench.wait(0.2)
    assert bench.transport.gone or bench.transport.ended


async def test_an_answer_may_take_its_time() -> None:
    bench = Bench()
    await bench.say(b"GET /wait HTTP/1.1\r\nHost: a.test\r\n\r\n")
    bench.wait(10_000)
    assert not bench.transport.gone


async def test_a_body_that_was_paused_has_its_deadline_back() -> None:
    bench = Bench()
    await bench.say(b"POST /wait HTTP/1.1\r\nHost: a.test\r\nContent-Length: 999999\r\n\r\n" + bytes(300_000))
    assert bench.transport.paused
    bench.wait(10_000)
    assert not bench.transport.gone, "it is not the client who is slow"
    bench.connection.resume_body()
    bench.wait(bench.connection.limits.body_timeout_s + 1)
    assert bench.transport.ended


async def test_a_client_that_reads_slowly_is_not_one_that_reads_nothing() -> None:
    bench = Bench()
    await bench.say(b"GET /wait HTTP/1.1\r\nHost: a.test\r\n\r\n")
    limit_s = bench.connection.limits.write_timeout_s
    bench.transport.unsent = 100_000
    bench.connection.pause_writing()
    for unsent in (90_000, 80_000):
        bench.transport.unsent = unsent
        bench.wait(limit_s + 1)
        assert not bench.transport.gone
    bench.wait(limit_s + 1)
    assert bench.transport.aborted


async def test_a_client_that_asks_without_reading_is_answered_no_further() -> None:
    bench = Bench()
    bench.transport.unsent = 100_000
    bench.connection.pause_writing()
    assert bodies(await bench.say(POST + b"first" + POST + b"again")) == [b"first"]
    bench.connection.resume_writing()
    await bench.settle()
    assert bodies(bench.transport.written) == [b"first", b"again"]


async def test_a_client_that_asks_without_reading_has_a_deadline() -> None:
    bench = Bench()
    bench.transport.unsent = 100_000
    bench.connection.pause_writing()
    await bench.say(GET + GET)
    bench.wait(bench.connection.limits.write_timeout_s + 1)
    assert bench.transport.aborted


async def test_an_idle_connection_that_was_slow_is_still_idle() -> None:
    bench = Bench()
    await bench.say(GET)
    bench.connection.pause_writing()
    bench.connection.resume_writing()
    bench.wait(bench.connection.limits.idle_timeout_s + 1)
    assert bench.transport.gone


async def test_closing_has_a_deadline() -> None:
    bench = Bench()
    bench.transport.unsent = 1000
    await bench.say(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert bench.transport.gone
    bench.wait(bench.connection.limits.write_timeout_s + 1)
    assert bench.transport.aborted


async def test_a_request_whose_body_is_refused_at_once_reaches_nobody() -> None:
    bench = Bench()
    written = await bench.say(CHUNKED.replace(b"/x", b"/early") + b"zz\r\n")
    assert written.startswith(b"HTTP/1.1 400 ")
    assert ANSWER not in written
    assert bench.connection.exchange is None
    assert not bench.serve.finished_ones


async def test_lingering_ends() -> None:
    bench = Bench()
    assert (await bench.say(b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert bench.transport.ended
    assert not bench.transport.gone
    before = len(bench.transport.written)
    await bench.say(GET)
    assert len(bench.transport.written) == before
    bench.wait(LINGER_S + 1)
    assert bench.transport.gone


# -- ends


@pytest.mark.parametrize("said", [b"", GET[:10], POST + b"he"])
async def test_a_client_that_ends_in_the_middle_gets_nothing(said: bytes) -> None:
    bench = Bench()
    if said:
        await bench.say(said)
    assert not bench.connection.eof_received()
    assert bench.transport.gone


async def test_a_client_that_has_said_all_gets_all() -> None:
    bench = Bench()
    bench.connection.data_received(POST + b"first" + POST + b"again" + GET)
    assert bench.connection.eof_received()
    for _ in range(5):
        await bench.settle()
    assert bodies(bench.transport.written) == [b"first", b"again", b""]
    assert bench.transport.gone


async def test_draining_closes_what_is_idle_and_lets_the_rest_finish() -> None:
    idle, busy = Bench(), Bench()
    await idle.say(GET)
    await busy.say(POST)
    for bench in (idle, busy):
        bench.listener.draining = True
        bench.connection.retire()
    assert idle.transport.gone
    assert b"Connection: close\r\n" in await busy.say(b"hello")
    assert busy.transport.gone


async def test_a_step_ends_with_its_connection() -> None:
    bench = Bench()
    await bench.say(POST)
    (task,) = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
    bench.connection.connection_lost(None)
    await bench.settle()
    assert task.cancelled()
    (exchange,) = bench.serve.finished_ones
    assert exchange.aborted


async def test_a_step_that_fails_ends_the_connection() -> None:
    bench = Bench()
    await bench.say(b"GET /wait HTTP/1.1\r\nHost: a.test\r\n\r\n")

    async def fails() -> None:
        raise ZeroDivisionError

    bench.connection.park(fails())
    await bench.settle()
    assert bench.transport.gone
