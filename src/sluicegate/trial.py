"""A request tried on a definition that is not loaded: the real road, with a client in memory (contract 04.11)."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

from sluicegate.admin.node import DebugAnswer, DebugRequest
from sluicegate.apidef.api import Api
from sluicegate.errors import ConfigError
from sluicegate.listener.connection import Connection
from sluicegate.listener.limits import limits_of
from sluicegate.listener.listener import ConnectionCounts, Listener
from sluicegate.listener.serve import Serve
from sluicegate.routing.build import Builder, close
from sluicegate.routing.table import Table
from sluicegate.wire.chunked import ChunkedReader
from sluicegate.wire.headers import make_field
from sluicegate.wire.http1_read import HEAD_END, parse_response_head

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange

LIMIT_S = 30.0


class MemoryTransport:
    """Where the answer is written to; `closed` is set when it is whole."""

    def __init__(self) -> None:
        self.written = io.BytesIO()
        self.closed = asyncio.Event()

    def write(self, data: bytes) -> None:
        """Take a piece of the answer."""
        self.written.write(data)

    def get_extra_info(self, name: str) -> Any:
        """Say who is on the other side: this machine."""
        return ("127.0.0.1", 0) if name == "peername" else None

    def close(self) -> None:
        """The answer is whole."""
        self.closed.set()

    abort = close

    def get_write_buffer_size(self) -> int:
        """Say how much waits to be sent: nothing ever does."""
        return 0

    def can_write_eof(self) -> bool:
        """Say whether this side alone can be closed."""
        return False

    def pause_reading(self) -> None:
        """Nothing is read here."""

    resume_reading = pause_reading


async def try_request(serve: Serve, builder: Builder, api: Api, request: DebugRequest) -> DebugAnswer:
    """Build the definition aside, run one request through it, and return the answer. Raises ConfigError."""
    settings = serve.services.settings
    route = builder.build(api, api.classic.proxy.listen_path)
    table = Table(
        [route],
        port=settings.listen_port,
        hostname=settings.hostname,
        nobody=serve.table.nobody,
        control=serve.table.control,
    )
    aside = Serve(table, serve.services, serve.dispatcher, serve.pages, forget)
    loop = asyncio.get_running_loop()
    listener = Listener(
        loop, aside, limits_of(settings), ConnectionCounts(), address="", port=settings.listen_port, control=None
    )
    connection, transport = Connection(listener), MemoryTransport()
    try:
        connection.connection_made(transport)
        connection.data_received(request_bytes(api, request))
        async with asyncio.timeout(LIMIT_S):
            await transport.closed.wait()
    except TimeoutError:
        pass
    finally:
        connection.connection_lost(None)
        close(route)
    return read_answer(transport.written.getvalue())


def forget(exchange: Exchange) -> None:
    """A tried request leaves no record."""


def request_bytes(api: Api, request: DebugRequest) -> bytes:
    """Return the request as it would come over the wire, asking for one answer and the end. Raises ConfigError."""
    path = api.classic.proxy.listen_path.rstrip("/") + "/" + request.path.lstrip("/")
    body = request.body.encode()
    given = [(name, value) for name, values in request.headers.items() for value in values]
    try:
        lines = [make_field(name.encode(), value.encode()).line for name, value in given if is_ours(name)]
    except ValueError as error:
        raise ConfigError("request.headers", str(error)) from None
    host = next((value for name, value in given if name.lower() == "host"), api.classic.domain or "127.0.0.1")
    start = f"{request.method} {path or '/'} HTTP/1.1\r\nHost: {host}\r\n".encode()
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return start + b"".join(lines) + length + b"Connection: close\r\n\r\n" + body


def is_ours(name: str) -> bool:
    """Return whether a header may be set by who tries: those that frame the message may not."""
    return name.lower() not in ("host", "content-length", "transfer-encoding", "connection")


def read_answer(data: bytes) -> DebugAnswer:
    """Return what was written as an answer."""
    block, _, body = data.partition(HEAD_END)
    if not block:
        return DebugAnswer(504, [], b"")
    head = parse_response_head(block)
    if head.chunked:
        body = ChunkedReader().feed(body)[0]
    headers = [(field.line.partition(b":")[0].decode(), field.value.decode("latin-1")) for field in head.headers]
    return DebugAnswer(head.status, headers, body)
