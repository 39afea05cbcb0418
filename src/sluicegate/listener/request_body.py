"""The body of a request on a client connection: read here, and handed to whoever has it.

At first it is held (`pieces`), while the chain thinks or a connection to the upstream is made; from `attach` on it
streams to the peer; `read_body` gathers it for a middleware. Holding is bounded: past `HOLD_BYTES` reading pauses until
somebody takes it. The rest of a body whose request is answered already is read over, if it is not long.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING

from sluicegate.errors import BadMessage
from sluicegate.listener.respond import Responder
from sluicegate.listener.states import BODY, CLOSED, DRAIN, WAIT
from sluicegate.wire.chunked import ChunkedReader, chunk, last_chunk

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange
    from sluicegate.listener.limits import Limits
    from sluicegate.upstream.peer import Peer
    from sluicegate.wire.http1_read import RequestHead

HOLD_BYTES = 256 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class BodyReader(Responder):
    """The half of a connection that reads bodies."""

    limits: Limits
    backlog = b""
    pieces: list[bytes]
    reader: ChunkedReader | None = None
    gathering: asyncio.Future[bytes] | None = None
    gather_limit = 0
    left = 0
    held = 0
    body_let_go = False
    reading_paused = False

    def begin_body(self, head: RequestHead, rest: bytes) -> None:
        """Make ready to read a body, and take what is there of it."""
        self.state = BODY
        self.body_done = False
        self.reader = ChunkedReader() if head.chunked else None
        self.left = head.content_length or 0
        self.held = 0
        self.deadline = self.listener.now + self.limits.body_timeout_s
        if rest:
            self.read_body_bytes(rest)

    def read_body_bytes(self, data: bytes) -> None:
        """Take bytes of the body; what stands behind its end waits."""
        reader = self.reader
        if reader is None:
            payload = data[: self.left]
            beyond = data[self.left :]
            self.left -= len(payload)
            done = not self.left
        else:
            try:
                payload, beyond = reader.feed(data)
            except BadMessage as error:
                self.refuse(error)
                return
            done = reader.done
        if done:
            self.body_done = True
            self.deadline = 0.0
            self.backlog = beyond
            if self.state == BODY:
                self.state = WAIT
        exchange = self.exchange
        if exchange is not None:
            exchange.bytes_in += len(payload)
            if self.too_long(exchange):
                return
        elif self.state == DRAIN:
            return
        self.pass_body(payload, done)

    def too_long(self, exchange: Exchange) -> bool:
        """Refuse a chunked body that has grown past the limit; return whether it has."""
        limit = exchange.route.body_limit_bytes
        if not limit or exchange.bytes_in <= limit:
            return False
        self.answer_too_large(exchange)
        return True

    def pass_body(self, payload: bytes, done: bool) -> None:
        """Give a piece of the body to whoever has it now."""
        peer = self.peer
        if peer is not None and not peer.request_done:
            if payload:
                self.body_let_go = True
                peer.feed(payload, self.reader is not None)
            if done:
                peer.end_request(self.reader is not None, self.reader.trailers if self.reader else [])
            return
        if payload:
            self.pieces.append(payload)
            self.held += len(payload)
        if self.gathering is not None:
            self.gather(done)
        elif self.held > HOLD_BYTES:
            self.pause_body()

    # -- whole, for a middleware

    async def read_body(self, limit_bytes: int) -> bytes:
        """Return the whole body. Raises BadMessage 413 when it is longer than the limit (0: no limit)."""
        if limit_bytes and max(self.last_head.content_length or 0, self.held) > limit_bytes:
            raise BadMessage(413, "")
        if not self.body_done:
            self.say_continue()
            self.gathering = asyncio.get_running_loop().create_future()
            self.gather_limit = limit_bytes
            self.resume_body()
            try:
                await self.gathering
            finally:
                self.gathering = None
        body = b"".join(self.pieces)
        self.pieces = []
        return body

    def gather(self, done: bool) -> None:
        """Tell the middleware that waits for the body when it is whole, or too long."""
        gathering = self.gathering
        if gathering is None or gathering.done():
            return
        if self.gather_limit and self.held > self.gather_limit:
            gathering.set_exception(BadMessage(413, ""))
        elif done:
            gathering.set_result(b"")

    # -- to the upstream

    def attach(self, peer: Peer) -> tuple[bytes, bool]:
        """The peer has the exchange from now on. Return what is there of the body, framed, and whether that is all."""
        self.peer = peer
        exchange = self.exchange
        assert exchange is not None
        if exchange.body is not None:
            return exchange.body, True
        if self.body_done and not self.pieces:
            if self.reader is not None and exchange.request.chunked:
                return last_chunk(self.reader.trailers), True
            return b"", True
        return self.framed_body()

    def framed_body(self) -> tuple[bytes, bool]:
        """Return the held part of the body, framed for the upstream."""
        pieces = self.pieces
        done = self.body_done
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if self.reader is not None:
            body = (chunk(body) if body else b"") + (last_chunk(self.reader.trailers) if done else b"")
        if not done:
            self.say_continue()
            self.pieces = []
            self.held = 0
            self.body_let_go = bool(body)
            self.resume_body()
        return body, done

    def body_is_whole(self) -> bool:
        """Return whether the request can be sent again from memory."""
        return self.body_done and not self.body_let_go

    def say_continue(self) -> None:
        """Ask for the body, if the client waits to be asked (RFC 9110 section 10.1.1)."""
        exchange = self.exchange
        if self.last_head.expects_continue and exchange is not None and not exchange.bytes_in and not self.asked:
            self.asked = True
            self.write(CONTINUE)

    # -- nowhere

    def drain(self, data: bytes) -> None:
        """Read over the rest of a body whose request is answered already."""
        self.left_to_drain -= len(data)
        if self.left_to_drain < 0:
            self.linger()
            return
        self.deadline = self.listener.now + self.limits.body_timeout_s
        self.read_body_bytes(data)
        if self.body_done and self.state == DRAIN:
            self.next_request()

    # -- back-pressure

    def pause_body(self) -> None:
        """Take nothing more from the client for now."""
        if not self.reading_paused and self.state != CLOSED:
            self.reading_paused = True
            self.deadline = 0.0
            self.transport.pause_reading()

    def resume_body(self) -> None:
        """Take more."""
        if self.reading_paused and self.state != CLOSED:
            self.reading_paused = False
            self.watch()
            self.transport.resume_reading()

    # -- of the connection

    @abstractmethod
    def refuse(self, error: BadMessage) -> None:
        """Answer something that is not HTTP, or too much of it, and close."""
