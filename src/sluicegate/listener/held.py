"""A response that is held back, because a middleware wants its body whole, or its type stands in the first of it.

The bytes are gathered up to the least limit of those who want them. Past it, each is asked: the answer is rejected, or
streams through unseen. With the body whole, each makes its own of it, in response order.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Protocol

from sluicegate.chain.exchange import Exchange, Response
from sluicegate.chain.outcome import Rejection

if TYPE_CHECKING:
    from sluicegate.listener.respond import Responder
    from sluicegate.wire.headers import Field

MOST_BYTES = 64 * 1024 * 1024
"""However generous a middleware is, no answer is gathered beyond this."""


class Wanting(Protocol):
    """Who wants a response's body whole: a middleware, or the rules about errors."""

    @property
    def body_limit_bytes(self) -> int: ...

    def on_response_body(
        self, exchange: Exchange, response: Response, body: bytes
    ) -> bytes | Rejection | Awaitable[bytes | Rejection]: ...

    def on_response_too_long(self, exchange: Exchange, response: Response) -> Rejection | None: ...


class Held(Protocol):
    """A response that has not begun to leave."""

    def take(self, data: bytes, done: bool, trailers: list[Field] | None = None) -> None: ...


class UntypedResponse:
    """Waits for the first of a body, which tells of what type it is (contract 06.7)."""

    def __init__(self, client: Responder, exchange: Exchange, response: Response, trailer: bytes) -> None:
        self.client, self.exchange, self.response, self.trailer = client, exchange, response, trailer

    def take(self, data: bytes, done: bool, trailers: list[Field] | None = None) -> None:
        """Begin to send the response."""
        client, exchange = self.client, self.exchange
        client.held_response = None
        if trailers:
            client.start(exchange, self.response, data, False, self.trailer)
            client.send_body(exchange, b"", True, trailers)
        else:
            client.start(exchange, self.response, data, done, self.trailer)


class HeldResponse:
    """Gathers one response's body, then has it changed and sent."""

    def __init__(
        self, client: Responder, exchange: Exchange, response: Response, wanting: Sequence[Wanting], trailer: bytes
    ) -> None:
        self.client, self.exchange, self.response = client, exchange, response
        self.wanting, self.trailer = wanting, trailer
        self.limit = min((one.body_limit_bytes or MOST_BYTES) for one in wanting)
        self.pieces: list[bytes] = []
        self.size = 0

    def take(self, data: bytes, done: bool, trailers: list[Field] | None = None) -> None:
        """Take a piece of the body; its trailers end here."""
        if data:
            self.pieces.append(data)
            self.size += len(data)
        if self.size > self.limit:
            self.give_up(done)
        elif done:
            self.complete()

    def give_up(self, done: bool) -> None:
        """The body is too long to be held."""
        client, exchange, response = self.client, self.exchange, self.response
        client.held_response = None
        for one in self.wanting:
            rejection = one.on_response_too_long(exchange, response)
            if rejection is not None:
                client.drop_peer()
                client.reject(exchange, rejection)
                return
        body = b"".join(self.pieces)
        client.start(exchange, response, body, done, self.trailer)

    def complete(self) -> None:
        """The body is whole: change it without waiting if that is possible."""
        try:
            changed = self.change(b"".join(self.pieces), 0)
        except Exception as error:
            self.client.listener.serve.broken(self.client, self.exchange, error)  # type: ignore[arg-type]
            return
        if isinstance(changed, (bytes, Rejection)):
            self.send(changed)
        else:
            self.client.park(self.wait(changed[0], changed[1]))  # type: ignore[attr-defined]

    def change(self, body: bytes, at: int) -> bytes | Rejection | tuple[Awaitable[bytes | Rejection], int]:
        """Return the body as all have changed it, or whom to wait for and where to go on."""
        for index in range(at, len(self.wanting)):
            changed = self.wanting[index].on_response_body(self.exchange, self.response, body)
            if inspect.isawaitable(changed):
                return changed, index + 1
            if isinstance(changed, Rejection):
                return changed
            assert isinstance(changed, bytes)
            body = changed
        return body

    async def wait(self, waiting: Awaitable[bytes | Rejection], at: int) -> None:
        """Go on when a middleware has what it waits for."""
        try:
            changed: bytes | Rejection | tuple[Awaitable[bytes | Rejection], int] = await waiting
            while not isinstance(changed, Rejection):
                if isinstance(changed, bytes):
                    changed = self.change(changed, at)
                    if isinstance(changed, bytes):
                        break
                else:
                    at = changed[1]
                    changed = await changed[0]
        except Exception as error:
            self.client.listener.serve.broken(self.client, self.exchange, error)  # type: ignore[arg-type]
            return
        self.send(changed)

    def send(self, changed: bytes | Rejection) -> None:
        """Send what has become of the response."""
        client, exchange, response = self.client, self.exchange, self.response
        client.held_response = None
        if client.exchange is not exchange:
            return
        if isinstance(changed, Rejection):
            client.reject(exchange, changed)
            return
        exchange.status = response.status
        if exchange.method != b"HEAD" and response.status not in (204, 304):
            response.content_length = len(changed)
        client.start(exchange, response, changed, True)
