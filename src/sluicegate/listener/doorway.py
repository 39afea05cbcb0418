"""The way into a TLS port: what has to be known before a handshake begins.

A server of the event loop begins the handshake with the first byte. So connections are accepted here and given to the
event loop when two things are known, where they are asked for: whom the PROXY header names, which is read off the
socket to its last byte and no further; and the name that the client asks for, which is looked at and left there.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable

from sluicegate.errors import BadMessage
from sluicegate.wire.proxy_protocol import V2_LIMIT_BYTES, Address, read_proxy_header
from sluicegate.wire.tls_hello import RECORD_HEAD_BYTES, hello_size, server_name

MOST_AT_ONCE = 64
"""Connections that are accepted before others have their turn."""

NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
PAUSE_S = 0.1
"""How long nobody is accepted when the system has no room for another connection."""

Admit = Callable[[socket.socket, Address | None, str | None], Awaitable[None]]
"""Takes a connection in: whom its header names (None: it speaks for itself), which name the client asks for ("": it
names none; None: nobody has looked, or it was not understood)."""


class Doorway:
    """Accepts connections and looks at how they begin.

    proxy_protocol: they begin with a header.
    asks_name: whether the name is to be looked at.
    limit_s: time for that.
    most:    connections that may be in the doorway at once; further ones are closed.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        admit: Admit,
        *,
        proxy_protocol: bool,
        asks_name: Callable[[], bool],
        limit_s: float,
        most: int,
    ) -> None:
        self.loop, self.sock, self.admit, self.limit_s, self.most = loop, sock, admit, limit_s, most
        self.proxy_protocol, self.asks_name = proxy_protocol, asks_name
        self.entering: set[asyncio.Task[None]] = set()
        self.pausing: asyncio.TimerHandle | None = None
        loop.add_reader(sock, self.accept)

    def accept(self) -> None:
        """Accept who is waiting."""
        for _ in range(MOST_AT_ONCE):
            try:
                connection, _ = self.sock.accept()
            except OSError as error:
                if error.errno in NO_ROOM:
                    self.pause()
                return
            if len(self.entering) >= self.most:
                connection.close()
                continue
            task = self.loop.create_task(self.enter(connection))
            self.entering.add(task)
            task.add_done_callback(self.entering.discard)

    def pause(self) -> None:
        """Let those who wait do so for a moment: there is no room for them, and to ask again and again makes none."""
        self.loop.remove_reader(self.sock)
        self.pausing = self.loop.call_later(PAUSE_S, self.loop.add_reader, self.sock, self.accept)

    async def enter(self, connection: socket.socket) -> None:
        """Look at how a connection begins and take it in, or close it."""
        connection.setblocking(False)
        source = name = None
        try:
            async with asyncio.timeout(self.limit_s):
                if self.proxy_protocol:
                    source = await self.read_header(connection)
                if self.asks_name():
                    name = await self.name_in(connection)
            await self.admit(connection, source, name)
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

    async def name_in(self, connection: socket.socket) -> str | None:
        """Return the name that the client asks for. Raises BadMessage, OSError."""
        head = await self.look(connection, RECORD_HEAD_BYTES)
        size = hello_size(head)
        return server_name(await self.look(connection, size)) if size else None

    async def look(self, connection: socket.socket, size: int) -> bytes:
        """Return what comes first, without taking it. Raises BadMessage when that ends before."""
        # So that nobody is woken for each byte of a client that is slow, again and again.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
        try:
            await self.readable(connection)
            seen = connection.recv(size, socket.MSG_PEEK)
        finally:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        if len(seen) < size:
            raise BadMessage(400, "closed before its first message was whole")
        return seen

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
        if self.pausing is not None:
            self.pausing.cancel()
        with contextlib.suppress(OSError, ValueError):
            self.loop.remove_reader(self.sock)
        self.sock.close()
        for task in list(self.entering):
            task.cancel()
