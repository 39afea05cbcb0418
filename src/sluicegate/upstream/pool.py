"""The connections to one target that are open: those that wait for work, last in first out.

Taking the most recently used one keeps few connections warm and lets the others reach their idle limit. A peer that the
upstream closed meanwhile is skipped when it is taken: looking through the list at every close would cost more.
"""

from __future__ import annotations

import asyncio
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluicegate.errors import UpstreamError, UpstreamFault
from sluicegate.upstream.keepalive import probe_silence
from sluicegate.upstream.peer import CLOSED, HEAD, IDLE, Peer
from sluicegate.upstream.tls import fault_of

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings
    from sluicegate.upstream.resolve import Resolver
    from sluicegate.upstream.target import Target


class PoolCounts:
    """What all pools of a worker did, for the metrics."""

    __slots__ = ("failed", "opened", "reused")

    def __init__(self) -> None:
        self.opened = self.reused = self.failed = 0


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """What an upstream may use up.

    max_idle, idle_s:        how many connections may wait for work, and how long.
    head_bytes, head_fields: longest head of an answer.
    """

    max_idle: int
    idle_s: float
    head_bytes: int
    head_fields: int

    @classmethod
    def of(cls, settings: Settings) -> PoolLimits:
        """Return what settings say."""
        own = settings.sluicegate
        max_idle = settings.max_idle_connections_per_host or own.upstream_max_idle
        return cls(
            # Whoever has said `Connection: close` sends nothing more on it (RFC 9112 section 9.6).
            max_idle=0 if settings.proxy_close_connections else max_idle,
            idle_s=own.upstream_idle_timeout_s,
            head_bytes=own.max_header_bytes,
            head_fields=own.max_header_count,
        )


class Pool:
    """Peers of one target.

    target:    weakly: it holds its pool, and has to be gone at once with its route (see `routing.build.close`).
    in_flight: exchanges under way.
    busy:      the pools of the worker that have connections; this one is among them while it has one. So what has to
               look at all of them does not look at thousands of APIs that nobody calls.
    """

    def __init__(
        self, target: Target, resolver: Resolver, limits: PoolLimits, counts: PoolCounts, busy: set[Pool]
    ) -> None:
        self.target = weakref.ref(target)
        self.resolver, self.max_idle, self.idle_s = resolver, limits.max_idle, limits.idle_s
        self.head_bytes, self.head_fields = limits.head_bytes, limits.head_fields
        self.counts, self.busy = counts, busy
        self.in_flight = 0
        self.idle: list[Peer] = []
        self.peers: set[Peer] = set()

    def take(self) -> Peer | None:
        """Return a connection that waits for work, or None."""
        idle = self.idle
        while idle:
            peer = idle.pop()
            if peer.state == IDLE:
                self.in_flight += 1
                self.counts.reused += 1
                return peer
        return None

    def put(self, peer: Peer) -> None:
        """Take back a connection whose exchange has ended well."""
        if len(self.idle) < self.max_idle:
            peer.deadline = 0.0
            self.idle.append(peer)
        else:
            peer.close()

    def opened(self, peer: Peer) -> None:
        """A connection has been made."""
        self.peers.add(peer)
        self.busy.add(self)

    def closed(self, peer: Peer) -> None:
        """A connection is gone."""
        self.peers.discard(peer)
        if not self.peers:
            self.busy.discard(self)

    async def connect(self, timeout_s: float) -> Peer:
        """Return a new connection, for which an exchange is in flight from now on.

        timeout_s: for all that it takes: the look-up of the name, and each address in turn.

        Raises UpstreamError; nothing of a request was sent then.
        """
        # Counted before there is a connection: one that is slow to take connections must not seem to have least to do.
        self.in_flight += 1
        try:
            peer = await self._connect(asyncio.get_running_loop().time() + timeout_s)
        except BaseException:
            self.in_flight -= 1
            self.counts.failed += 1
            raise
        self.counts.opened += 1
        return peer

    async def _connect(self, deadline: float) -> Peer:
        target = self.target()
        assert target is not None  # the exchange holds it
        loop = asyncio.get_running_loop()
        addresses = await self._addresses(target.host, deadline)
        failure = UpstreamError(UpstreamFault.DNS, f"no address for {target.host}", untouched=True)
        for at, address in enumerate(addresses):
            share_s = (deadline - loop.time()) / (len(addresses) - at)  # a dead one leaves the others their time
            try:
                async with asyncio.timeout(share_s):
                    transport, peer = await loop.create_connection(
                        lambda: Peer(self),
                        address,
                        target.port,
                        ssl=target.tls,
                        server_hostname=target.server_name if target.tls else None,
                    )
            except TimeoutError:
                failure = UpstreamError(UpstreamFault.CONNECT_TIMEOUT, f"{address}:{target.port}", untouched=True)
            except (OSError, ValueError) as error:  # ValueError: a name that TLS cannot ask for
                failure = UpstreamError(fault_of(error), f"{address}:{target.port}: {error}", untouched=True)
            else:
                probe_silence(transport.get_extra_info("socket"))
                return peer
        raise failure

    async def _addresses(self, host: str, deadline: float) -> tuple[str, ...]:
        try:
            async with asyncio.timeout_at(deadline):
                return await self.resolver.addresses(host)
        except TimeoutError:
            raise UpstreamError(UpstreamFault.CONNECT_TIMEOUT, f"{host}: no address in time", untouched=True) from None

    def sweep(self, now_ticks: float) -> None:
        """End what waits too long: idle connections, and answers past their deadline. Called about once a second."""
        for peer in list(self.peers):
            if peer.state in (IDLE, CLOSED):
                if not peer.deadline:
                    peer.deadline = now_ticks + self.idle_s
                elif peer.deadline < now_ticks:
                    peer.close() if peer.state == IDLE else peer.abort()
            elif peer.state == HEAD and peer.deadline and peer.deadline < now_ticks:
                peer.fail(UpstreamError(UpstreamFault.TIMEOUT, "no answer in time"))
        if len(self.idle) > 2 * len(self.peers):
            self.idle = [peer for peer in self.idle if peer.state != CLOSED]

    def close(self) -> None:
        """The target is no longer in any table: let go of what is idle; the rest ends with its exchange."""
        self.max_idle = 0
        for peer in self.idle:
            peer.close()
        self.idle.clear()
