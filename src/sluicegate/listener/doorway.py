"""The way into a TLS port whose connections begin with a PROXY header: that stands before the handshake.

A server of the event loop begins the handshake with the first byte. So connections are accepted here, the header is
read off the socket to its last byte and no further, and only then is the connection given to the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

from sluicegate.errors import BadMessage
from sluicegate.wire.proxy_protocol import V2_LIMIT_BYTES, Address, read_proxy_header

MOST_AT_ONCE = 64
"""Connections that are accepted before others have their turn."""


class Doorway:
    """Accepts connections and reads their headers.

    admit:   takes a connection in, with whom its header names (None: the connection speaks for itself).
    limit_s: time for the header.
    most:    connections that may be in the doorway at once; further ones are closed.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        admit: Callable[[socket.socket, Address | None], Awaitable[None]],
        *,
        limit_s: float,
        most: int,
    ) -> None:
        self.loop, self.sock, self.admit, self.limit_s, self.most = loop, sock, admit, limit_s, most
        self.entering: set[asyncio.Task[None]] = set()
        loop.add_reader(sock, self.accept)

    def accept(self) -> None:
        """Accept who is waiting."""
        for _ in range(MOST_AT_ONCE):
            try:
                connection, _ = self.sock.accept()
            except OSError:
                return
            if len(self.entering) >= self.most:
                connection.close()
                continue
            task = self.loop.create_task(self.enter(connection))
            self.entering.add(task)
            task.add_done_callback(self.entering.discard)

    async def enter(self, connection: socket.socket) -> None:
        """Read the header of a connection and take it in, or close it."""
        connection.setblocking(False)
        try:
            async with asyncio.timeout(self.limit_s):
                source = await self.read_header(connection)
            await self.admit(connection, source)
        except (BadMessage, OSError, TimeoutError):
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise

    async def read_header(self, connection: socket.socket) -> Address | None:
        """Return whom the header names, having read just that. Raises BadMessage, OSError."""
        read = b""
        while True:
            await self.readable(connection)
            seen = connection.recv(V2_LIMIT_BYTES, socket.MSG_PEEK)
            if not seen:
                raise BadMessage(400, "closed before its PROXY header")
            header = read_proxy_header(read + seen)
            # As long as the header is not whole, all that is there belongs to it.
            taken = len(seen) if header is None else header.size_bytes - len(read)
            read += connection.recv(taken)
            if header is not None:
                return header.source

    async def readable(self, connection: socket.socket) -> None:
        """Wait until there is something to read."""
        waiting = asyncio.Event()
        self.loop.add_reader(connection, waiting.set)
        try:
            await waiting.wait()
        finally:
            self.loop.remove_reader(connection)

    def close(self) -> None:
        """Accept nobody any more; who is in the doorway has to leave."""
        with contextlib.suppress(OSError, ValueError):
            self.loop.remove_reader(self.sock)
        self.sock.close()
        for task in list(self.entering):
            task.cancel()
