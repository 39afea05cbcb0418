"""A port that accepts client connections, in one worker. Every worker has its own socket on it (SO_REUSEPORT)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

from sluicegate.clock import ticks
from sluicegate.errors import BadMessage, ConfigError
from sluicegate.listener.connection import Connection
from sluicegate.listener.doorway import Doorway
from sluicegate.listener.last_arrivals import LAST_ARRIVALS_S, leave_unanswered
from sluicegate.listener.limits import Limits, limits_of
from sluicegate.listener.states import TUNNEL
from sluicegate.upstream.keepalive import probe_silence
from sluicegate.wire.proxy_protocol import Address, read_proxy_header

if TYPE_CHECKING:
    from sluicegate.listener.control import Control
    from sluicegate.listener.serve import Serve
    from sluicegate.listener.tls import ServerTls
    from sluicegate.settings.model import Settings

BACKLOG = 4096
SWEEP_S = 1.0


class ConnectionCounts:
    """What all listeners of a worker saw, for the metrics."""

    __slots__ = ("accepted", "over_limit", "refused")

    def __init__(self) -> None:
        self.accepted = self.refused = self.over_limit = 0


class Listener:
    """One port.

    serves_apis: requests go to the APIs of this port; False on a control port.
    control:     the admin API, when it is served here.
    is_leaving:  the port is about to close.
    retiring:    answers end their connections: it is about to close, or `close_connections` asks for it.
    draining:    it is closed: so does all that is idle.
    now:         ticks of the last sweep: exact enough for deadlines, and free.
    tunnels:     connections that were tunnels at the last sweep.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        serve: Serve,
        limits: Limits,
        counts: ConnectionCounts,
        *,
        address: str,
        port: int,
        control: Control | None,
        serves_apis: bool = True,
        proxy_protocol: bool = False,
        tls: ServerTls | None = None,
    ) -> None:
        self.loop, self.serve, self.limits, self.counts = loop, serve, limits, counts
        self.address, self.port, self.tls = address, port, tls
        self.control, self.serves_apis, self.proxy_protocol = control, serves_apis, proxy_protocol
        self.connections: set[Connection] = set()
        self.draining = False
        self.is_leaving = False
        self.retiring: bool = serve.services.settings.close_connections
        self.now = ticks()
        self.tunnels = 0
        self.sock: socket.socket | None = None
        self.server: asyncio.AbstractServer | Doorway | None = None
        self.sweeper: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Begin to accept. Raises ConfigError when the port is not to be had."""
        try:
            self.sock = sock = bound_socket(self.address, self.port)
        except OSError as error:
            raise cannot_listen(self.address, self.port, error) from None
        if self.tls is not None:
            sock.listen(BACKLOG)
            tls = self.tls
            self.server = Doorway(
                self.loop,
                sock,
                self.admit,
                proxy_protocol=self.proxy_protocol,
                asks_name=lambda: tls.asks and self.serves_apis,
                limit_s=self.limits.header_timeout_s,
                most=self.limits.connections,
            )
        else:
            self.server = await self.loop.create_server(lambda: Connection(self), sock=sock, backlog=BACKLOG)
        self.sweep()

    async def admit(self, sock: socket.socket, source: Address | None, name: str | None) -> None:
        """Take in a TLS connection. Raises OSError when the handshake fails."""
        tls = self.tls
        assert tls is not None
        connection = Connection(self)
        if self.proxy_protocol:
            connection.introduce(source)
        is_shared = self.control is not None
        await self.loop.connect_accepted_socket(
            lambda: connection,
            sock,
            ssl=tls.context if name is None else tls.context_for(name, is_shared=is_shared),
            ssl_handshake_timeout=self.limits.header_timeout_s,
        )

    def adopt(self, settings: Settings) -> None:
        """Other settings are in force; a connection keeps the limits that it began with."""
        self.limits = limits_of(settings)
        self.retiring = self.is_leaving or settings.close_connections

    def retire(self) -> None:
        """Have clients leave: each connection ends with its next answer, which says so. New ones are still taken."""
        self.is_leaving = self.retiring = True

    def stop_accepting(self) -> None:
        """Take no new connections but those that are being made; the open ones end with their request."""
        self.is_leaving = self.retiring = True
        if self.sock is not None:
            leave_unanswered(self.sock)
        self.loop.call_later(LAST_ARRIVALS_S, self.close_port)

    def close_port(self) -> None:
        """Have the system refuse connections, and end those that are idle."""
        self.draining = True
        if self.server is not None:
            self.server.close()
        for connection in list(self.connections):
            connection.retire()

    def close(self) -> None:
        """Close what is still open."""
        if self.sweeper is not None:
            self.sweeper.cancel()
        for connection in list(self.connections):
            connection.transport.abort()

    # -- for the connections

    def accept(self, connection: Connection) -> bool:
        """Count a new connection, and return whether it may stay."""
        if len(self.connections) >= self.limits.connections:
            self.counts.over_limit += 1
            return False
        self.connections.add(connection)
        self.counts.accepted += 1
        return True

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)

    def refused(self, error: BadMessage) -> None:
        """A client has sent what is not HTTP, or too much."""
        self.counts.refused += 1

    def read_proxy_line(self, data: bytes) -> tuple[Address | None, int] | None:
        """Return whom the PROXY header names and its length, or None while it is not whole. Raises BadMessage."""
        found = read_proxy_header(data)
        return (found.source, found.size_bytes) if found is not None else None

    def sweep(self) -> None:
        """End what waits too long. Once a second, for all connections: a timer for each would cost every request."""
        self.now = now = ticks()
        self.sweeper = None if self.is_over else self.loop.call_later(SWEEP_S, self.sweep)
        tunnels = 0
        for connection in list(self.connections):
            if connection.deadline and connection.deadline < now:
                connection.expire()
            elif connection.state == TUNNEL:
                tunnels += 1
        self.tunnels = tunnels

    @property
    def is_over(self) -> bool:
        """Whether the port is closed and the last connection has ended."""
        return self.draining and not self.connections

    @property
    def is_drained(self) -> bool:
        """Whether nobody can come any more, and nobody is here."""
        return self.draining and not self.busy

    @property
    def busy(self) -> int:
        """How many connections have a request under way, are tunnels, or have not taken all of their answer."""
        return sum(
            1
            for one in self.connections
            if one.exchange is not None or one.state == TUNNEL or one.transport.get_write_buffer_size()
        )


def cannot_listen(address: str, port: int, error: OSError) -> ConfigError:
    """Return why a port cannot be had."""
    what = f"cannot listen on {address or '*'}:{port}: {error.strerror}"
    return ConfigError("listen_port", what, "choose another port")


def bound_socket(address: str, port: int, *, is_shared: bool = True) -> socket.socket:
    """Return a socket that several processes may listen on, if it is shared. An empty address is every one, IPv6 too.

    Raises OSError.
    """
    family = socket.AF_INET
    if not address and socket.has_dualstack_ipv6():
        family, address = socket.AF_INET6, "::"
    elif ":" in address:
        family = socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6 and address == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, is_shared)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        probe_silence(sock)
        sock.bind((address, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
