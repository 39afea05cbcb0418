"""One client connection: reads requests, and is where their answers go out.

Theory of operation
-------------------
    HEAD ──head read──► BODY ──body read──► WAIT ──answer sent──► HEAD        one request after the other
      │                   │                   │
      │                   └─answered early──► DRAIN ──rest read──► HEAD
      │                                       │ └──rest is long──► LINGER
      └──refused──► LINGER ──► CLOSED         └─101──► TUNNEL

LINGER: the last answer is out, our side is closed, and what the client still sends is read over for a moment. Were the
connection just closed, unread bytes would make the kernel reset it, and the client could lose the answer (RFC 9112
section 9.6). Bodies are read in `listener.request_body`, answers go out in `listener.respond`.

Invariants
    - One exchange at a time. Bytes of a following request wait (`backlog`), reading pauses, until the answer is out
      and the client has taken so much of it that the socket's buffer is low again.
    - A head that is the same, byte for byte, as the one before on this connection is not parsed again.
    - Every state that waits for the client has a deadline (`deadline`, looked at once a second by the listener); so has
      every wait for the client to take bytes, also of an answer that is out and of a connection that is closing.
    - After a refusal (a message that is not HTTP) nothing more is understood: its end cannot be known.
    - A client that has closed its side (`client_done`) still gets all that it has asked for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from sluicegate.chain.exchange import Exchange
from sluicegate.errors import BadMessage
from sluicegate.listener.limits import Limits
from sluicegate.listener.peer_chain import verified_chain
from sluicegate.listener.request_body import BodyReader
from sluicegate.listener.states import BODY, CLOSED, DRAIN, HEAD, LINGER, PROXY_LINE, TUNNEL, WAIT
from sluicegate.wire.chunked import ChunkedReader
from sluicegate.wire.http1_read import HEAD_END, parse_request_head
from sluicegate.wire.http1_write import refusal

if TYPE_CHECKING:
    from sluicegate.listener.listener import Listener
    from sluicegate.upstream.peer import Peer
    from sluicegate.wire.proxy_protocol import Address

BACKLOG_BYTES = 64 * 1024
LINGER_S = 5.0
BARE_LF = re.compile(rb"(?:^|[^\r])\n")


class Connection(BodyReader, asyncio.Protocol):
    """A client connection: its life, and the heads of its requests."""

    transport: Any = None
    deadline = 0.0  # on the listener's clock; 0 is none
    unsent = 0  # bytes that waited for the client when that was last looked at
    task: asyncio.Task[None] | None = None
    introduced: Address | None = None
    requests = 0
    is_tls = False
    shown: tuple[bytes, ...] | None = None  # see `certificates`

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.limits: Limits = listener.limits
        self.state = PROXY_LINE if listener.proxy_protocol else HEAD
        self.pieces: list[bytes] = []
        self.exchange: Exchange | None = None
        self.peer: Peer | None = None
        self.last_block: bytes | None = None  # of the last request: its head with the empty line
        # Looked at for every request: what an object holds itself is found sooner than what its class has for it.
        self.reader: ChunkedReader | None = None
        self.backlog = b""
        self.held = 0
        self.answer_begun = self.asked = self.client_done = False
        self.reading_paused = self.writing_paused = False

    # -- asyncio.Protocol

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.write = transport.write
        self.is_tls = transport.get_extra_info("sslcontext") is not None
        peer = self.introduced or transport.get_extra_info("peername")
        self.set_peer(peer[0] if isinstance(peer, tuple) else "127.0.0.1", peer[1] if isinstance(peer, tuple) else 0)
        if self.listener.accept(self):
            self.deadline = self.listener.now + self.limits.header_timeout_s
        else:
            transport.abort()

    def introduce(self, source: Address | None) -> None:
        """The PROXY header has been read already; it may have named the client."""
        self.state, self.introduced = HEAD, source

    def set_peer(self, ip: str, port: int) -> None:
        """Say who is on the other side: the socket's peer, or whom the PROXY protocol names."""
        self.peer_ip, self.peer_port = ip.removeprefix("::ffff:"), port
        self.forwarded_line = b"X-Forwarded-For: %b\r\n" % self.peer_ip.encode()

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The certificate that the client has shown and whoever signed it, verified, in DER; () when there is none."""
        if self.shown is None:
            self.shown = verified_chain(self.transport.get_extra_info("ssl_object")) if self.is_tls else ()
        return self.shown

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

    def eof_received(self) -> bool:
        """The client sends no more: what it has asked for still goes out (a half-closed connection is legal TCP)."""
        self.client_done = True
        if self.state == TUNNEL:
            self.end_tunnel()
        elif self.is_tls or self.state not in (HEAD, WAIT):
            self.close()
        elif not self.backlog:
            self.keep_alive = False
            if self.state == HEAD:
                self.close()
        elif self.state == HEAD:
            self.read_backlog()
        return self.state != CLOSED

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
        block = self.last_block
        if data == block:
            head, rest = self.last_head, b""
        elif block is not None and data.startswith(block):
            head, rest = self.last_head, data[len(block) :]
        else:
            end = data.find(HEAD_END)
            limits = self.limits
            if end < 0 or end > limits.head_bytes:
                self.wait_for_head(data)
                return
            try:
                head = parse_request_head(data[:end])
                if len(head.headers.fields) > limits.header_count:
                    raise BadMessage(431, "")
            except BadMessage as error:
                # A single empty line before a request is forgiven (RFC 9112 section 2.2).
                if data.startswith(b"\r\n") and not data.startswith(b"\r\n\r\n"):
                    self.read_head(data[2:])
                else:
                    self.refuse(error)
                return
            end += len(HEAD_END)
            self.last_block, self.last_head, rest = data[:end], head, data[end:]
        self.requests += 1
        self.deadline = 0.0
        self.backlog = b""
        self.keep_alive = head.keep_alive and not self.listener.retiring
        self.body_let_go = False
        if head.has_body:
            self.begin_body(head, rest)
            if self.state == LINGER:
                return  # refused with the first of its body: nobody may see the request
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
        elif BARE_LF.search(data):
            self.refuse(BadMessage(400, ""))
        elif self.client_done:
            self.close()
        else:
            if not self.backlog:
                self.deadline = self.listener.now + self.limits.header_timeout_s
            self.backlog = data

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
        self.drop_peer()
        exchange, self.exchange = self.exchange, None
        if self.answer_begun or self.state == DRAIN:
            self.close()
            self.transport.abort()
        else:
            if exchange is not None:
                exchange.status = error.status
            self.write(refusal(error.status, error.reason))
            self.linger()
        if exchange is not None:
            self.listener.serve.finished(exchange)

    def expire(self) -> None:
        """A deadline has passed: the client is too slow, or has nothing more to ask."""
        unsent = self.transport.get_write_buffer_size()
        if unsent and unsent < self.unsent:
            self.unsent = unsent
            self.deadline = self.listener.now + self.limits.write_timeout_s
        elif self.state == LINGER or (self.state == HEAD and not self.backlog):
            self.close()
        elif self.state in (HEAD, BODY) and not self.answer_begun:
            self.refuse(BadMessage(408, ""))
        else:
            self.transport.abort()

    def close(self) -> None:
        """Close once everything has been written, or the client takes no more of it."""
        if self.state != CLOSED:
            self.state = CLOSED
            self.unsent = self.transport.get_write_buffer_size()
            self.watch()
            self.transport.close()

    def linger(self) -> None:
        """Close, but read over what the client may still be sending."""
        self.state = LINGER
        self.resume_body()
        self.watch()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def watch(self) -> None:
        """Set the deadline that the state has: how long it may wait for the client."""
        state, limits = self.state, self.limits
        if state == HEAD:
            wait_s = limits.header_timeout_s if self.backlog else limits.idle_timeout_s
        elif state in (BODY, DRAIN):
            wait_s = limits.body_timeout_s
        elif state == LINGER:
            wait_s = LINGER_S
        elif state == CLOSED:
            wait_s = limits.write_timeout_s
        else:
            self.deadline = 0.0
            return
        self.deadline = self.listener.now + wait_s

    def next_request(self) -> None:
        """The answer is out and the request is read: the connection is free for the next one."""
        if self.writing_paused:
            # Answers must not pile up here for who asks without reading: `resume_writing` comes back to this.
            self.state = WAIT
            self.deadline = self.listener.now + self.limits.write_timeout_s
            return
        self.state = HEAD
        if self.pieces:
            self.pieces = []
        self.held = 0
        self.deadline = self.listener.now + self.limits.idle_timeout_s
        if self.reading_paused:
            self.resume_body()
        if self.backlog:
            # Not at once: a long row of pipelined requests must neither recurse nor keep others waiting.
            self.listener.loop.call_soon(self.read_backlog)
        elif self.listener.draining or self.client_done:
            self.close()

    def read_backlog(self) -> None:
        """Go on with a pipelined request."""
        if self.state == HEAD and self.backlog:
            data, self.backlog = self.backlog, b""
            self.read_head(data)
            if self.client_done and self.state == BODY:
                self.close()  # its end will never come

    def retire(self) -> None:
        """The node drains: no further request on this connection."""
        self.keep_alive = False
        if self.state in (HEAD, PROXY_LINE) and not self.backlog:
            self.close()
