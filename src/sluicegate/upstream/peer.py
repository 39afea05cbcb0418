"""One connection to a target: sends a request, reads its answer, and hands both ends of the body through.

Theory of operation
-------------------
    IDLE ──begin──► HEAD ──head read──► BODY ──body ends──► IDLE       (back in the pool, if both sides are clean)
                      │                   │
                      └─101─► TUNNEL      └─anything odd──► CLOSED

The peer belongs to one exchange from `begin` until its body has ended; it reports to the exchange's client, who sits on
the other connection:

    on_response(head, body, done)     the head, with whatever of the body came along
    on_response_body(data, done)      more of it
    on_upstream_error(error)          it went wrong; with `untouched`, the request may be sent elsewhere

Invariants
    - A peer goes back to the pool only if request and answer were both complete, nothing came behind the answer, and
      both sides meant to keep the connection. Otherwise an unread rest would be taken for the next answer.
    - Nor does it while the upstream has much of the request yet to take: the transport says only once that its buffer
      is full, so the next client would not hear of it, and what it sends would gather here without an end.
    - After an error or the last piece, the client hears nothing more of that exchange.
    - Back-pressure: what cannot be sent pauses the client's reading, and the other way round.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Protocol

from sluicegate.clock import ticks
from sluicegate.errors import BadMessage, UpstreamError, UpstreamFault
from sluicegate.wire.chunked import ChunkedReader, chunk, last_chunk
from sluicegate.wire.headers import Field
from sluicegate.wire.http1_read import HEAD_END, ResponseHead, parse_response_head

if TYPE_CHECKING:
    from sluicegate.upstream.pool import Pool

IDLE, HEAD, BODY, TUNNEL, CLOSED = range(5)
MOST_INTERIM_ANSWERS = 16
HTTP = b"HTTP/1."
BARE_LF = re.compile(rb"(?:^|[^\r])\n")


class Client(Protocol):
    """Who waits for the answer: the other end of the exchange."""

    def on_response(self, peer: Peer, head: ResponseHead, body: bytes, done: bool) -> None:
        """The head is here, with the first of the body; `done` when that is all."""

    def on_response_body(self, data: bytes, done: bool, trailers: list[Field] | None = None) -> None:
        """More of the body is here."""

    def on_tunnel_data(self, data: bytes) -> None:
        """Bytes of a connection that is no longer HTTP."""

    def on_tunnel_end(self) -> None:
        """The upstream has closed its side of a tunnel."""

    def on_upstream_error(self, error: UpstreamError) -> None:
        """There will be no answer, or no rest of it."""

    def pause_body(self) -> None:
        """Send no more request body for now."""

    def resume_body(self) -> None:
        """Go on sending it."""


class Peer(asyncio.Protocol):
    """A connection to one address of a target."""

    client: Client | None = None
    deadline: float = 0.0  # ticks; 0 is none
    timeout_s = 0.0
    used = False  # has answered before: its silence may only mean that the upstream closed it meanwhile
    transport: Any = None

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.state = IDLE
        self.method = b""
        self.begun_ticks = 0.0  # when the request under way was sent
        self.request_done = False
        self.writing_paused = False  # the upstream has yet to take what was written
        self.reusable = False
        self.left: int | None = 0  # bytes of the body to come; None when only the close tells
        self.reader: ChunkedReader | None = None
        self.buffer = b""
        self.interim = 0
        self.timer: asyncio.TimerHandle | None = None
        self.last_block: bytes | None = None  # of the last answer: its head with the empty line
        self.last_final: ResponseHead | None = None  # what it says: it is not parsed again when it comes again

    # -- asyncio.Protocol

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.write = transport.write
        self.pool.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        state, self.state = self.state, CLOSED
        self.pool.closed(self)
        client = self.client
        if client is None:
            return
        if state == TUNNEL:
            self._leave()
            client.on_tunnel_end()
        elif state == BODY and self.left is None and self.reader is None and exc is None:
            self._leave()
            client.on_response_body(b"", True)
        else:
            stale = state == HEAD and self.used and not self.buffer and not self.interim
            self.fail(UpstreamError(UpstreamFault.RESET, str(exc or "closed"), untouched=stale))

    def eof_received(self) -> bool | None:
        if self.state == IDLE:
            self.state = CLOSED  # from now on, not only when the transport gets round to saying so
        return None

    def pause_writing(self) -> None:
        self.writing_paused = True
        if self.client is not None:
            self.client.pause_body()
            if self.state == HEAD:
                self.deadline = ticks() + self.timeout_s if self.timeout_s else 0.0

    def resume_writing(self) -> None:
        self.writing_paused = False
        if self.client is not None:
            if not self.request_done:
                self.deadline = 0.0
            self.client.resume_body()

    def data_received(self, data: bytes) -> None:
        state = self.state
        if state == HEAD:
            block, head = self.last_block, self.last_final
            if head is not None and block is not None and data.startswith(block) and not self.buffer:
                self._take_final(head, data[len(block) :])
            else:
                self._read_head(self.buffer + data if self.buffer else data)
        elif state == BODY:
            self._read_body(data)
        elif state == TUNNEL and self.client is not None:
            self.client.on_tunnel_data(data)
        else:
            self.close()  # an answer to nothing: what it would answer next must not be believed

    # -- the request

    def begin(
        self, client: Client, method: bytes, data: bytes, request_done: bool, timeout_s: float, now_ticks: float
    ) -> None:
        """Send the head of a request, with what is there of its body.

        timeout_s: for the head of the answer, from the end of the request on; and for the upstream to take each next
                   piece of the request. 0: no limit.
        """
        self.client = client
        self.method = method
        self.begun_ticks = now_ticks
        self.request_done = request_done
        self.state = HEAD
        self.interim = 0
        self.timeout_s = timeout_s
        self.deadline = now_ticks + timeout_s if timeout_s and request_done else 0.0
        self.write(data)

    def feed(self, data: bytes, chunked: bool) -> None:
        """Send more of the request body."""
        self.write(chunk(data) if chunked else data)

    def end_request(self, chunked: bool, trailers: list[Field]) -> None:
        """The request body is complete."""
        self.request_done = True
        if self.state == HEAD and self.timeout_s:
            self.deadline = ticks() + self.timeout_s
        if chunked:
            self.write(last_chunk(trailers))

    # -- the answer

    def _read_head(self, data: bytes) -> None:
        end = data.find(HEAD_END)
        if end < 0:
            self.buffer = data
            if len(data) > self.pool.head_bytes:
                self.fail(UpstreamError(UpstreamFault.PROTOCOL, "head of the answer too long"))
            elif BARE_LF.search(data) or not (data.startswith(HTTP) or HTTP.startswith(data)):
                self.fail(UpstreamError(UpstreamFault.PROTOCOL, "the answer is not HTTP"))
            return
        self.buffer = b""
        try:
            head = parse_response_head(data[:end])
            if end > self.pool.head_bytes or len(head.headers) > self.pool.head_fields:
                raise BadMessage(400, "head of the answer too long")
        except BadMessage as error:
            self.fail(UpstreamError(UpstreamFault.PROTOCOL, error.reason))
            return
        end += len(HEAD_END)
        if head.status < 200:
            self._take_interim(head, data[end:])
        else:
            self.last_block, self.last_final = data[:end], head
            self._take_final(head, data[end:])

    def _take_interim(self, head: ResponseHead, rest: bytes) -> None:
        """1xx answers are swallowed (contract 06.7), except the one that ends HTTP here."""
        if head.status == 101:
            client = self.client
            assert client is not None
            self.state = TUNNEL
            self.deadline = 0.0
            client.on_response(self, head, rest, False)
            return
        self.interim += 1
        if self.interim > MOST_INTERIM_ANSWERS:
            self.fail(UpstreamError(UpstreamFault.PROTOCOL, "too many interim answers"))
        elif rest:
            self._read_head(rest)

    def _take_final(self, head: ResponseHead, rest: bytes) -> None:
        client = self.client
        assert client is not None
        self.deadline = 0.0
        self.reusable = head.keep_alive
        length = head.body_length(self.method)
        if length is not None and len(rest) >= length:
            if len(rest) > length:
                self.reusable, rest = False, rest[:length]
            self._leave()
            client.on_response(self, head, rest, True)
            return
        self.state = BODY
        if length is not None:
            self.left, self.reader = length - len(rest), None
        elif head.chunked:
            self._begin_chunked(client, head, rest)
            return
        else:
            self.left, self.reader, self.reusable = None, None, False
        client.on_response(self, head, rest, False)

    def _begin_chunked(self, client: Client, head: ResponseHead, rest: bytes) -> None:
        self.reader = reader = ChunkedReader()
        try:
            payload, beyond = reader.feed(rest)
        except BadMessage as error:
            self.fail(UpstreamError(UpstreamFault.PROTOCOL, error.reason))
            return
        if not reader.done:
            client.on_response(self, head, payload, False)
            return
        if beyond:
            self.reusable = False
        self._leave()
        if reader.trailers:
            client.on_response(self, head, payload, False)
            client.on_response_body(b"", True, reader.trailers)
        else:
            client.on_response(self, head, payload, True)

    def _read_body(self, data: bytes) -> None:
        client = self.client
        if client is None:
            self.close()
            return
        if self.reader is not None:
            self._read_chunked(client, self.reader, data)
            return
        left = self.left
        if left is None:
            client.on_response_body(data, False)
            return
        if len(data) < left:
            self.left = left - len(data)
            client.on_response_body(data, False)
            return
        if len(data) > left:
            self.reusable, data = False, data[:left]
        self._leave()
        client.on_response_body(data, True)

    def _read_chunked(self, client: Client, reader: ChunkedReader, data: bytes) -> None:
        try:
            payload, beyond = reader.feed(data)
        except BadMessage as error:
            self.fail(UpstreamError(UpstreamFault.PROTOCOL, error.reason))
            return
        if not reader.done:
            if payload:
                client.on_response_body(payload, False)
            return
        if beyond:
            self.reusable = False
        self._leave()
        client.on_response_body(payload, True, reader.trailers)

    # -- the end of an exchange

    def _leave(self) -> None:
        """The answer is complete: back to the pool if nothing speaks against it."""
        self.client = None
        self.used = True
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        pool = self.pool
        pool.in_flight -= 1
        if self.state != CLOSED:
            if self.reusable and self.request_done and not self.writing_paused:
                self.state = IDLE
                pool.put(self)
            else:
                self.close()

    def fail(self, error: UpstreamError) -> None:
        """Give up this exchange and the connection."""
        client = self.client
        self.reusable = False
        if client is not None:
            self._leave()
            self.abort()
            client.on_upstream_error(error)
        else:
            self.abort()

    def drop(self) -> None:
        """The client is gone, or wants no more of the answer."""
        self.reusable = False
        if self.client is not None:
            self._leave()
        self.abort()

    def end_tunnel(self) -> None:
        """The client has closed its side of a tunnel: what it has sent still goes out."""
        self.reusable = False
        if self.client is not None:
            self._leave()

    def close(self) -> None:
        """Close once everything has been written; the pool sees to it that this ends."""
        self.state = CLOSED
        self.deadline = 0.0
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.state = CLOSED
        if self.transport is not None:
            self.transport.abort()

    def pause_reading(self) -> None:
        """The client cannot take more of the answer for now."""
        if self.transport is not None and self.state != CLOSED:
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """The client can take more."""
        if self.transport is not None and self.state != CLOSED:
            self.transport.resume_reading()
