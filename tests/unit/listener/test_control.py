"""Calls of the admin API on a connection in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.exchange import make_services
from tests.fakes.routes import PORT
from tests.fakes.transports import FakeTransport

from sluicegate.chain.exchange import Exchange
from sluicegate.listener.connection import Connection
from sluicegate.listener.control import Control, Message
from sluicegate.listener.limits import limits_of
from sluicegate.listener.listener import ConnectionCounts, Listener
from sluicegate.listener.serve import Serve
from sluicegate.routing.reload import stand_in
from sluicegate.wire.http1_read import RequestHead

CALL = b"PUT /tyk/x HTTP/1.1\r\nHost: a.test\r\n\r\n"
WITH_BODY = b"PUT /tyk/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\n"
HEAD: Message = {"type": "http.response.start", "status": 200, "headers": []}


class Calls(Serve):
    """Has a `Control` answer every request."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.services = make_services()
        self.route = stand_in("nobody")
        self.control = Control(app, frozenset(), (), {}, every=True)

    def begin(self, connection: Connection, head: RequestHead) -> None:
        exchange = connection.exchange = Exchange(connection, head, self.route, self.services, head.method)
        self.control.handle(connection, exchange)

    def finished(self, exchange: Exchange) -> None:
        pass


def connected(app: Callable[..., Any]) -> Connection:
    """Return a client's connection to an app."""
    serve = Calls(app)
    limits = limits_of(serve.services.settings)
    loop = asyncio.get_running_loop()
    connection = Connection(Listener(loop, serve, limits, ConnectionCounts(), address="", port=PORT, control=None))
    connection.connection_made(FakeTransport())
    return connection


async def test_a_call_that_has_begun_ends_although_its_client_hangs_up() -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def app(scope: Message, receive: Callable[[], Awaitable[Message]], send: Any) -> None:
        begun.set()
        await may_end.wait()
        await send(HEAD)
        ended.set()

    connection = connected(app)
    connection.data_received(CALL)
    await begun.wait()
    connection.connection_lost(None)
    await asyncio.sleep(0)
    may_end.set()
    async with asyncio.timeout(5):
        await ended.wait()


async def test_an_app_that_does_not_ask_for_the_body_answers_before_it_has_come() -> None:
    async def app(scope: Message, receive: Any, send: Any) -> None:
        await send({**HEAD, "status": 403})

    connection = connected(app)
    connection.data_received(WITH_BODY)
    await settled()
    assert connection.transport.written.startswith(b"HTTP/1.1 403 ")
    connection.data_received(b"hello" + CALL)
    await settled()
    assert connection.transport.written.count(b"HTTP/1.1 403 ") == 2, "the body is read over"


async def test_an_app_that_asks_for_the_body_gets_it_whole_and_then_hears_that_there_is_no_more() -> None:
    heard = []

    async def app(scope: Message, receive: Any, send: Any) -> None:
        heard.extend([await receive(), await receive()])
        await send(HEAD)

    connection = connected(app)
    for piece in (WITH_BODY, b"hel", b"lo"):
        connection.data_received(piece)
        await settled()
    assert heard == [{"type": "http.request", "body": b"hello", "more_body": False}, {"type": "http.disconnect"}]
    assert connection.transport.written.startswith(b"HTTP/1.1 200 ")


async def test_a_client_that_is_gone_before_its_body_was_asked_for_is_not_waited_for() -> None:
    begun, may_ask, heard = asyncio.Event(), asyncio.Event(), []

    async def app(scope: Message, receive: Any, send: Any) -> None:
        begun.set()
        await may_ask.wait()
        heard.append(await receive())

    connection = connected(app)
    connection.data_received(WITH_BODY)
    await begun.wait()
    connection.connection_lost(None)
    may_ask.set()
    await settled()
    assert heard == [{"type": "http.disconnect"}]
    assert not connection.listener.serve.control.under_way


async def test_a_client_that_is_gone_in_the_middle_of_its_body_ends_the_call() -> None:
    async def app(scope: Message, receive: Any, send: Any) -> None:
        await receive()

    connection = connected(app)
    connection.data_received(WITH_BODY + b"he")
    await settled()
    connection.connection_lost(None)
    await settled()
    assert not connection.listener.serve.control.under_way


async def settled() -> None:
    """Let everything happen that waits for nothing."""
    for _ in range(8):
        await asyncio.sleep(0)
