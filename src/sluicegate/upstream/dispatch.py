"""From the end of the request chain to a peer: which target, which bytes, and what when it fails.

What may be sent twice
----------------------
    the connection could not be made     any request: nothing of it was sent; the next target has it
    a reused connection closed, silent   one that is safe to repeat (RFC 9110 section 9.2.2) and still whole in memory
    anything else                        never

The client sees one answer, or one failure (contract 06.5).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from sluicegate.chain.outcome import Rejection
from sluicegate.clock import ticks
from sluicegate.errors import UpstreamError, UpstreamFault
from sluicegate.upstream.peer import Client, Peer
from sluicegate.upstream.request import request_bytes

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange
    from sluicegate.upstream.target import Target

IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
MOST_ATTEMPTS = 8


class Sender(Client, Protocol):
    """The client of an exchange, as the dispatcher needs it."""

    exchange: Exchange | None
    forwarded_line: bytes

    def attach(self, peer: Peer) -> tuple[bytes, bool]:
        """The peer has the exchange from now on. Return what is there of the body, framed, and whether that is all."""

    def body_is_whole(self) -> bool:
        """Return whether the request can be sent again: nothing of its body was let go."""

    def on_dispatch_failed(self, exchange: Exchange, error: Exception) -> None:
        """A defect of ours has kept it from being sent."""


class Dispatcher:
    """Sends exchanges to the upstreams of their routes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.connecting: set[asyncio.Task[None]] = set()

    def send(self, exchange: Exchange, client: Sender) -> Rejection | None:
        """Send a request on; the client hears of the answer. Returns a rejection when no target is left."""
        upstream = exchange.route.upstream
        target = upstream.only
        if target is None or exchange.url is not None:
            picked = upstream.pick(exchange)
            if isinstance(picked, Rejection):
                return picked
            target = picked
        exchange.target = target
        peer = target.pool.take()
        if peer is not None:
            self._begin(exchange, client, peer)
        else:
            self._connect(exchange, client, target)
        return None

    def send_again(self, exchange: Exchange, client: Sender, error: UpstreamError) -> bool:
        """Send a request once more if that is safe, and return whether it was."""
        if not error.untouched or error.fault is not UpstreamFault.RESET:
            return False
        if exchange.method not in IDEMPOTENT or not client.body_is_whole():
            return False
        self._connect(exchange, client, exchange.target)
        return True

    def _begin(self, exchange: Exchange, client: Sender, peer: Peer, spent_s: float = 0.0) -> None:
        """Send a request to a peer. spent_s: of an enforced timeout, what it took to have that peer."""
        timeout_s = exchange.timeout_s
        head = request_bytes(exchange, exchange.target, client.forwarded_line)
        body, done = client.attach(peer)
        if timeout_s:
            peer.timer = self.loop.call_later(timeout_s - spent_s, expire, peer)
            limit_s = 0.0
        else:
            limit_s = exchange.route.upstream.timeout_s
        peer.begin(client, exchange.method, head + body if body else head, done, limit_s, ticks())

    def _connect(self, exchange: Exchange, client: Sender, target: Target) -> None:
        task = self.loop.create_task(self._connect_or_tell(exchange, client, target))
        self.connecting.add(task)
        task.add_done_callback(self.connecting.discard)

    async def _connect_or_tell(self, exchange: Exchange, client: Sender, target: Target) -> None:
        try:
            await self._connect_and_begin(exchange, client, target)
        except Exception as error:  # nobody waits for the task: the client would wait for ever
            client.on_dispatch_failed(exchange, error)

    async def _connect_and_begin(self, exchange: Exchange, client: Sender, target: Target) -> None:
        tried: set[Target] = set()
        begun, spent_s, enforced_s = ticks(), 0.0, exchange.timeout_s
        while True:
            limit_s = enforced_s - spent_s if enforced_s else exchange.route.upstream.timeout_s
            try:
                peer = await target.pool.connect(limit_s)
            except UpstreamError as error:
                spent_s = ticks() - begun
                tried.add(target)
                other = self._other_target(exchange, target, tried)
                if client.exchange is not exchange:
                    return
                # The time of an event loop is a coarse one: by ours, its timeouts may come a bit too soon.
                is_late = error.fault is UpstreamFault.CONNECT_TIMEOUT or spent_s >= enforced_s
                if other is None or (enforced_s and is_late):
                    client.on_upstream_error(UpstreamError(error.fault, error.detail))
                    return
                exchange.target = target = other
                if (waiting := target.pool.take()) is None:
                    continue
                peer = waiting
            else:
                spent_s = ticks() - begun
                target.succeeded()
            if client.exchange is exchange:
                self._begin(exchange, client, peer, spent_s)
            else:
                target.pool.in_flight -= 1
                target.pool.put(peer)
            return

    def _other_target(self, exchange: Exchange, target: Target, tried: set[Target]) -> Target | None:
        target.failed()
        if len(tried) >= MOST_ATTEMPTS:
            return None
        other: Target | None = exchange.route.upstream.pick_other(exchange, tried)
        return other


def expire(peer: Peer) -> None:
    """An enforced timeout has run out."""
    peer.timer = None
    peer.fail(UpstreamError(UpstreamFault.TIMEOUT, "enforced timeout"))
