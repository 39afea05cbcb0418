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
        await send({"type": "http.response.start", "status": 200, "headers": []})
        ended.set()

    connection = connected(app)
    connection.data_received(CALL)
    await begun.wait()
    connection.connection_lost(None)
    await asyncio.sleep(0)
    may_end.set()
    async with asyncio.timeout(5):
        await ended.wait()
