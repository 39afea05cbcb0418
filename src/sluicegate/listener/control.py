"""The admin API on our own listener: a small ASGI adapter in front of the app.

Not on the road: a call costs a task. A body is read when the app asks for it, which it does when it knows who calls: a
stranger's is not kept. It comes whole, and answers are whole before they leave.

A call that the app has begun with ends, though its client may hang up: half a write is neither of the two things that a
caller may find.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from sluicegate.chain.outcome import Reply
from sluicegate.listener.rejections import TOO_LARGE

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange
    from sluicegate.listener.connection import Connection

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
MOST_BODY_BYTES = 64 * 1024 * 1024
"""Longest body of an admin request where `max_request_body_size` sets no limit."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page beside the app: its media type, and what makes it."""

    content_type: str
    make: Callable[[], Awaitable[bytes]]


class Control:
    """Which paths are the admin API's, and the app that answers them.

    paths:    whole paths (`/hello`).
    prefixes: beginnings of paths (`/tyk/`).
    pages:    pages beside the app, by path.
    every:    True on a control port: all paths are.
    """

    def __init__(
        self,
        app: App,
        paths: frozenset[bytes],
        prefixes: tuple[bytes, ...],
        pages: Mapping[bytes, Page],
        *,
        every: bool,
    ) -> None:
        self.app, self.paths, self.prefixes, self.every = app, paths | pages.keys(), prefixes, every
        self.pages = pages
        self.under_way: set[asyncio.Future[None]] = set()

    def owns(self, path: bytes) -> bool:
        """Return whether a path is the admin API's."""
        return path in self.paths or path.startswith(self.prefixes) or self.every

    def handle(self, connection: Connection, exchange: Exchange) -> None:
        """Have the app answer a request."""
        exchange.tracked = False
        connection.park(self.call(connection, exchange))

    async def call(self, connection: Connection, exchange: Exchange) -> None:
        """Run the app for one request."""
        limit = exchange.services.settings.http_server_options.max_request_body_size or MOST_BODY_BYTES
        if (exchange.request.content_length or 0) > limit:
            connection.keep_alive = False
            connection.reject(exchange, TOO_LARGE)
            return
        page = self.pages.get(exchange.request.path)
        if page is not None:
            await self.show(connection, exchange, page)
            return
        answer = Answer()
        await self.to_its_end(
            self.app(scope_of(exchange, connection), body_of(exchange, connection, limit), answer.send)
        )
        if connection.exchange is exchange:
            connection.reply(exchange, Reply(answer.status, answer.headers, answer.body, tracked=False))

    async def to_its_end(self, call: Awaitable[None]) -> None:
        """Wait for a call, which goes on when nobody waits for it any more."""
        task = asyncio.ensure_future(call)
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)
        await asyncio.shield(task)

    async def show(self, connection: Connection, exchange: Exchange, page: Page) -> None:
        """Answer with a page."""
        body = await page.make()
        if connection.exchange is exchange:
            headers = [(b"Content-Type", page.content_type.encode())]
            connection.reply(exchange, Reply(200, headers, body, tracked=False))


class Answer:
    """Gathers what the app sends."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def send(self, message: Message) -> None:
        """Take a message of the app (ASGI 3.0, http)."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(name, value) for name, value in message["headers"] if name.lower() != b"content-length"]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


def body_of(exchange: Exchange, connection: Connection, limit_bytes: int) -> Callable[[], Awaitable[Message]]:
    """Return a `receive` that gives the whole body, then says that the client is gone. Raises BadMessage 413."""

    async def receive() -> Message:
        if exchange.body is not None or connection.exchange is not exchange:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": await exchange.read_body(limit_bytes), "more_body": False}

    return receive


def scope_of(exchange: Exchange, connection: Connection) -> Message:
    """Return the ASGI scope of a request."""
    request = exchange.request
    headers = [(b"host", request.host)] + [(field.name, field.value) for field in request.headers]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1" if request.version == 11 else "1.0",
        "method": request.method.decode("latin-1"),
        "scheme": "https" if connection.is_tls else "http",
        "path": unquote_to_bytes(request.path).decode("utf-8", "replace"),
        "raw_path": request.path,
        "query_string": request.query,
        "root_path": "",
        "headers": headers,
        "client": (connection.peer_ip, connection.peer_port),
        "server": (connection.listener.address, connection.listener.port),
    }
