"""One client connection: reads requests, and is where their answers go out.

Theory of operation
-------------------
    HEAD ──head read──► BODY ──body read──► WAIT ──answer sent──► HEAD        one request after the other
      │                   │                   │
      │                   └─answered early──► DRAIN ──rest read──► HEAD       or closed, if the rest is long
      └──refused──► CLOSED                    └─101──► TUNNEL

What reads the body is decided by who has it: at first it is held (`pieces`), while the chain thinks or a connection
to the upstream is made; from `attach` on it streams to the peer; `read_body` gathers it for a middleware. Holding is
bounded: past `HOLD_BYTES` reading pauses until somebody takes it.

Invariants
    - One exchange at a time. Bytes of a following request wait (`backlog`), reading pauses, until the answer is out.
    - A head that is the same, byte for byte, as the one before on this connection is not parsed again.
    - Every state that waits for the client has a deadline (`deadline`, looked at once a second by the listener).
    - After a refusal (a message that is not HTTP) nothing more is read: its end cannot be known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from sluicegate.chain.exchange import Exchange
from sluicegate.errors import BadMessage
from sluicegate.listener.limits import Limits
from sluicegate.listener.respond import Responder
from sluicegate.wire.chunked import ChunkedReader, chunk, last_chunk
from sluicegate.wire.http1_read import HEAD_END, RequestHead, parse_request_head
from sluicegate.wire.http1_write import refusal

if TYPE_CHECKING:
    from sluicegate.listener.listener import Listener
    from sluicegate.upstream.peer import Peer

PROXY_LINE, HEAD, BODY, WAIT, DRAIN, TUNNEL, CLOSED = range(7)
HOLD_BYTES = 256 * 1024
DRAIN_BYTES = 256 * 1024
BACKLOG_BYTES = 64 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(Responder, asyncio.Protocol):
    """A client connection. What goes in is here; what comes out is in `Responder`."""

    transport: Any = None
    deadline = 0.0  # on the listener's clock; 0 is none
    backlog = b""
    last_block = b""
    last_head: RequestHead | None = None
    reader: ChunkedReader | None = None
    gathering: asyncio.Future[bytes] | None = None
    gather_limit = 0
    task: asyncio.Task[None] | None = None
    left = 0
    held = 0
    body_done = True
    body_let_go = False
    reading_paused = False
    requests = 0
    is_tls = False

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.limits: Limits = listener.limits
        self.state = PROXY_LINE if listener.proxy_protocol else HEAD
        self.pieces: list[bytes] = []
        self.exchange: Exchange | None = None
        self.peer: Peer | None = None

    # -- asyncio.Protocol

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.write = transport.write
        self.is_tls = transport.get_extra_info("sslcontext") is not None
        peer = transport.get_extra_info("peername")
        self.set_peer(peer[0] if isinstance(peer, tuple) else "127.0.0.1", peer[1] if isinstance(peer, tuple) else 0)
        if self.listener.accept(self):
            self.deadline = self.listener.now + self.limits.header_timeout_s
        else:
            transport.abort()

    def set_peer(self, ip: str, port: int) -> None:
        """Say who is on the other side: the socket's peer, or whom the PROXY protocol names."""
        self.peer_ip, self.peer_port = ip.removeprefix("::ffff:"), port
        self.forwarded_line = b"X-Forwarded-For: %b\r\n" % self.peer_ip.encode()

    def connection_lost(self, exc: Exception | None) -> None:
        self.state = CLOSED
        self.listener.forget(self)
        if self.task is not None:
            self.task.cancel()
        if self.gathering is not None and not self.gathering.done():
            self.gathering.cancel()
        peer, self.peer = self.peer, None
        if peer is not None:
            peer.drop()
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.aborted = True
            self.listener.serve.finished(exchange)

    def eof_received(self) -> bool | None:
        """The client sends no more: an answer under way still goes out (a half-closed connection is legal TCP)."""
        if self.state == TUNNEL and self.peer is not None:
            self.peer.drop()
            return None
        self.keep_alive = False
        return self.state == WAIT and not self.is_tls

    def data_received(self, data: bytes) -> None:
        state = self.state
        if state == HEAD:
            self.read_head(self.backlog + data if self.backlog else data)
        elif state == BODY:
            self.deadline = self.listener.now + self.limits.body_timeout_s
            self.read_body_bytes(data)
        elif state == WAIT:
            self.backlog += data
            if len(self.backlog) > BACKLOG_BYTES:
                self.pause_body()
        elif state == TUNNEL:
            if self.peer is not None:
                self.peer.write(data)
        elif state == DRAIN:
            self.drain(data)
        elif state == PROXY_LINE:
            self.read_proxy_line(self.backlog + data)

    # -- a head

    def read_proxy_line(self, data: bytes) -> None:
        """Read who the client is from the proxy in front (PROXY protocol v1 and v2)."""
        try:
            found = self.listener.read_proxy_line(data)
        except BadMessage:
            self.transport.abort()
            return
        if found is None:
            self.backlog = data
            return
        source, used = found
        if source is not None:
            self.set_peer(*source)
        self.state, self.backlog = HEAD, b""
        if len(data) > used:
            self.read_head(data[used:])

    def read_head(self, data: bytes) -> None:
        """Read the head of a request, and what came with it."""
        end = data.find(HEAD_END)
        limits = self.limits
        if end < 0 or end > limits.head_bytes:
            self.wait_for_head(data)
            return
        block = data[:end]
        if block == self.last_block and self.last_head is not None:
            head = self.last_head
        else:
            try:
                head = parse_request_head(block)
                if len(head.headers.fields) > limits.header_count:
                    raise BadMessage(431, "")
            except BadMessage as error:
                # A single empty line before a request is forgiven (RFC 9112 section 2.2).
                if data.startswith(b"\r\n") and not data.startswith(b"\r\n\r\n"):
                    self.read_head(data[2:])
                else:
                    self.refuse(error)
                return
            self.last_block, self.last_head = block, head
        self.requests += 1
        self.deadline = 0.0
        self.backlog = b""
        self.keep_alive = head.keep_alive and not self.listener.draining
        self.body_let_go = False
        rest = data[end + 4 :]
        if head.has_body:
            self.begin_body(head, rest)
        else:
            self.state = WAIT
            self.body_done = True
            if rest:
                self.backlog = rest
        self.listener.serve.begin(self, head)

    def wait_for_head(self, data: bytes) -> None:
        """The head is not whole yet, or too long to wait for."""
        if len(data) > self.limits.head_bytes:
            self.refuse(BadMessage(431, ""))
        elif b"\n\n" in data or data.startswith(b"\n"):
            self.refuse(BadMessage(400, ""))
        else:
            if not self.backlog:
                self.deadline = self.listener.now + self.limits.header_timeout_s
            self.backlog = data

    # -- a body

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

    async def read_body(self, limit_bytes: int) -> bytes:
        """Return the whole body. Raises BadMessage 413 when it is longer than the limit (0: no limit)."""
        if not self.body_done:
            self.say_continue()
            self.gathering = asyncio.get_running_loop().create_future()
            self.gather_limit = limit_bytes
            self.resume_body()
            try:
                await self.gathering
            finally:
                self.gathering = None
        elif limit_bytes and self.held > limit_bytes:
            raise BadMessage(413, "")
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
        return self.framed_body(peer)

    def framed_body(self, peer: Peer) -> tuple[bytes, bool]:
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
        if exchange is not None and exchange.request.expects_continue and not exchange.bytes_in and not self.asked:
            self.asked = True
            self.write(CONTINUE)

    def drain(self, data: bytes) -> None:
        """Read over the rest of a body whose request is answered already."""
        self.left_to_drain -= len(data)
        if self.left_to_drain < 0:
            self.close()
            return
        self.read_body_bytes(data)
        if self.body_done and self.state == DRAIN:
            self.next_request()

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
            self.transport.resume_reading()

    # -- waiting, refusing, ending

    def park(self, waiting: Coroutine[Any, Any, None]) -> None:
        """A step of the chain has to wait: keep the task, so that it ends with the connection."""
        self.task = task = self.listener.loop.create_task(waiting)
        task.add_done_callback(self.unpark)

    def unpark(self, task: asyncio.Task[None]) -> None:
        """The step has ended."""
        if self.task is task:
            self.task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self.listener.serve.services.log("error", "Request failed", exc_info=error)
            self.close()

    def refuse(self, error: BadMessage) -> None:
        """Answer something that is not HTTP, or too much of it, and close."""
        self.listener.refused(error)
        if self.state != CLOSED and not self.answer_begun:
            self.write(refusal(error.status, error.reason))
        peer, self.peer = self.peer, None
        if peer is not None:
            peer.drop()
        self.close()

    def expire(self) -> None:
        """A deadline has passed: the client is too slow, or has nothing more to ask."""
        if self.state == HEAD and not self.backlog:
            self.close()
        elif self.state in (HEAD, BODY) and not self.answer_begun:
            self.refuse(BadMessage(408, ""))
        else:
            self.transport.abort()

    def close(self) -> None:
        """Close once everything has been written."""
        self.state = CLOSED
        if self.transport is not None:
            self.transport.close()

    def next_request(self) -> None:
        """The answer is out and the request is read: the connection is free for the next one."""
        self.state = HEAD
        self.pieces = []
        self.held = 0
        self.deadline = self.listener.now + self.limits.idle_timeout_s
        self.resume_body()
        if self.backlog:
            # Not at once: a long row of pipelined requests must neither recurse nor keep others waiting.
            self.listener.loop.call_soon(self.read_backlog)
        elif self.listener.draining:
            self.close()

    def read_backlog(self) -> None:
        """Go on with a pipelined request."""
        if self.state == HEAD and self.backlog:
            data, self.backlog = self.backlog, b""
            self.read_head(data)

    def retire(self) -> None:
        """The node drains: no further request on this connection."""
        self.keep_alive = False
        if self.state in (HEAD, PROXY_LINE) and not self.backlog:
            self.close()
