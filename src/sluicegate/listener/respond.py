"""Answers on their way to the client: from an upstream, or made here.

    from an upstream      on_response ─► response chain ─► start ─► body streams, or is held back for a middleware
    made here             reply, reject ─────────────────► start ─► done

Whoever makes an answer, it is framed in one place (`start`): Content-Length when the length is known, chunked when it
is not, the end of the connection for HTTP/1.0. Nothing is written in two pieces that could leave in one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from sluicegate.chain.exchange import Exchange, Response
from sluicegate.chain.outcome import Rejection, Reply
from sluicegate.clock import now, ticks
from sluicegate.errors import UpstreamError, UpstreamFault
from sluicegate.listener.answer import answer_head, made_headers, plain_head, rate_lines, response_of, says_type
from sluicegate.listener.held import Held, HeldResponse, UntypedResponse, Wanting
from sluicegate.listener.rejections import TOO_LARGE, of_upstream_error
from sluicegate.listener.states import CLOSED, DRAIN, LINGER, TUNNEL, WAIT
from sluicegate.wire.chunked import chunk, last_chunk
from sluicegate.wire.http1_write import HttpDate

if TYPE_CHECKING:
    from sluicegate.listener.listener import Listener
    from sluicegate.upstream.peer import Peer
    from sluicegate.wire.headers import Field
    from sluicegate.wire.http1_read import RequestHead, ResponseHead

DRAIN_BYTES = 256 * 1024
WHOLE_BYTES = 2048
"""An answer of unknown length that is all here, and not longer, gets a Content-Length (contract 06.7)."""

date = HttpDate()


class Responder(ABC):
    """The half of a connection that answers."""

    listener: Listener
    exchange: Exchange | None
    peer: Peer | None
    transport: Any
    write: Any
    state: int
    deadline: float
    body_done: bool
    keep_alive = True
    chunked_out = False
    answer_begun = False
    asked = False  # 100 Continue has been sent
    client_done = False  # the client has closed its side
    left_to_drain = 0
    unsent = 0
    writing_paused = False  # the client has yet to take what was written
    last_head: Any = None  # RequestHead of the request under way, as the client sent it
    held_response: Held | None = None

    # -- from an upstream

    def on_response(self, peer: Peer, head: ResponseHead, body: bytes, done: bool) -> None:
        """The upstream has answered: pass the answer through the response chain and begin to send it."""
        exchange = self.exchange
        assert exchange is not None
        exchange.upstream_s = ticks() - peer.begun_ticks
        exchange.upstream_status = exchange.status = head.status
        if done:
            self.peer = None
        breaker = exchange.breaker
        if breaker is not None:
            if head.status >= 500:
                breaker.failed()
            else:
                breaker.succeeded()
        if head.status == 101:
            self.begin_tunnel(exchange, peer, head, body)
            return
        chain = exchange.chain
        if chain.response_steps or chain.body_steps or exchange.response_headers or head.status >= 400:
            self.pass_response(exchange, head, body, done)
            return
        # The road for most answers: nothing to change, length known, the connection stays.
        asked: RequestHead = self.last_head
        length_known = not head.chunked and (done or head.content_length is not None)
        if length_known and self.keep_alive and asked.version == 11 and exchange.method is asked.method:
            start = head.sent_as or plain_head(head, exchange, date)
            if start is not None:
                self.write(start + rate_lines(exchange) + b"\r\n" + body)
                if done and self.body_done:
                    self.exchange = None
                    self.asked = False
                    self.listener.serve.finished(exchange)
                    self.next_request()
                elif done:
                    self.end_answer(exchange)
                else:
                    self.answer_begun = True
                return
        self.begin_answer(exchange, response_of(head), body, done, head.trailer)

    def pass_response(self, exchange: Exchange, head: ResponseHead, body: bytes, done: bool) -> None:
        """Pass an answer through the response chain."""
        response = response_of(head)
        chain = exchange.chain
        try:
            for step in chain.response_steps:
                step(exchange, response)
            pages = self.listener.serve.pages
            wanting: list[Wanting] = [pages] if pages.wants_response_body(exchange, response) else []
            replaced = None if wanting else pages.override_upstream(exchange, response)
            if replaced is None:
                wanting += [one for one in chain.body_steps if one.wants_response_body(exchange, response)]
        except Exception as error:
            self.drop_peer()
            self.listener.serve.broken(self, exchange, error)  # type: ignore[arg-type]
            return
        exchange.status = response.status
        if replaced is not None:
            self.drop_peer()
            self.reply(exchange, replaced)
        elif wanting:
            self.held_response = HeldResponse(self, exchange, response, wanting, head.trailer)
            self.held_response.take(body, done)
        else:
            self.begin_answer(exchange, response, body, done, head.trailer)

    def begin_answer(self, exchange: Exchange, response: Response, body: bytes, done: bool, trailer: bytes) -> None:
        """Begin to send an answer, at once if it says of what type it is, else with the first of its body."""
        if body or done or says_type(response):
            self.start(exchange, response, body, done, trailer)
        else:
            self.held_response = UntypedResponse(self, exchange, response, trailer)

    def on_response_body(self, data: bytes, done: bool, trailers: list[Field] | None = None) -> None:
        """More of the answer's body is here."""
        exchange = self.exchange
        if done:
            self.peer = None
        if exchange is None:
            return
        held = self.held_response
        if held is not None:
            held.take(data, done, trailers)
            return
        self.send_body(exchange, data, done, trailers)

    def send_body(self, exchange: Exchange, data: bytes, done: bool, trailers: list[Field] | None = None) -> None:
        """Send a piece of an answer's body, framed as its head said."""
        if self.chunked_out:
            data = chunk(data) if data else b""
            if done:
                data += last_chunk(trailers or [])
        if data:
            self.write(data)
        if done:
            self.end_answer(exchange)

    def on_upstream_error(self, error: UpstreamError) -> None:
        """There will be no answer from the upstream, or no rest of it."""
        self.peer = None
        exchange = self.exchange
        if exchange is None:
            return
        if exchange.breaker is not None:
            exchange.breaker.failed()
        if self.answer_begun:
            exchange.cut = error.fault
            self.cut(exchange)
            return
        self.held_response = None
        if not exchange.upstream_status and self.listener.serve.dispatcher.send_again(exchange, self, error):  # type: ignore[arg-type]
            return
        self.reject(exchange, of_upstream_error(error))

    def cut(self, exchange: Exchange) -> None:
        """The answer cannot be completed: the client must not take it for whole."""
        self.exchange = None
        self.listener.serve.finished(exchange)
        self.state = CLOSED
        self.transport.abort()

    # -- a tunnel

    def begin_tunnel(self, exchange: Exchange, peer: Peer, head: ResponseHead, rest: bytes) -> None:
        """The connection changes its protocol: bytes pass unseen from now on (RFC 9110 section 7.8)."""
        if not exchange.request.upgrade or not exchange.route.upstream.passes_upgrades or not self.body_done:
            self.drop_peer()
            self.reject(exchange, of_upstream_error(UpstreamError(UpstreamFault.PROTOCOL, "101 unasked for")))
            return
        self.answer_begun = True
        self.state = TUNNEL
        self.deadline = 0.0
        upgrade = head.upgrade or exchange.request.upgrade
        lines = head.headers.render() + b"Connection: Upgrade\r\nUpgrade: %b\r\n\r\n" % upgrade
        self.write(b"HTTP/1.1 101 Switching Protocols\r\n" + lines + rest)
        early: bytes = self.backlog  # type: ignore[has-type]
        if early:
            self.backlog = b""
            peer.write(early)
        self.resume_body()
        if self.client_done:  # it said so before there was a tunnel
            self.end_tunnel()

    def end_tunnel(self) -> None:
        """The client sends no more: what it has sent still goes out."""
        peer, self.peer = self.peer, None
        if peer is not None:
            peer.end_tunnel()
        self.on_tunnel_end()

    def on_tunnel_data(self, data: bytes) -> None:
        """Bytes from the other side of a tunnel."""
        exchange = self.exchange
        if exchange is not None:
            self.write(data)

    def on_tunnel_end(self) -> None:
        """The other side has closed."""
        self.peer = None
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            self.listener.serve.finished(exchange)
        self.close()

    # -- made here

    def reject(self, exchange: Exchange, rejection: Rejection) -> None:
        """Answer with a reason instead of the upstream's answer."""
        exchange.rejection = rejection
        self.reply(exchange, self.listener.serve.pages.render(exchange, rejection))

    def on_dispatch_failed(self, exchange: Exchange, error: Exception) -> None:
        """A defect has kept it from being sent."""
        self.drop_peer()
        self.listener.serve.broken(self, exchange, error)  # type: ignore[arg-type]

    def answer_too_large(self, exchange: Exchange) -> None:
        """The request body has grown past the limit."""
        self.drop_peer()
        if self.answer_begun:
            self.cut(exchange)
        else:
            self.keep_alive = False
            self.reject(exchange, TOO_LARGE)

    def reply(self, exchange: Exchange, reply: Reply) -> None:
        """Send an answer that was made here, through the response chain unless it is final."""
        if self.exchange is not exchange or self.answer_begun:
            return
        length = reply.length
        if length is None and reply.status != 304:  # which would say how long the answer is that the client has
            length = len(reply.body)
        response = Response(reply.status, made_headers(reply.headers), length)
        exchange.status = reply.status
        exchange.tracked = exchange.tracked and reply.tracked
        if not reply.final and exchange.chain is not None:
            for step in exchange.chain.response_steps:
                step(exchange, response)
            exchange.status = response.status
        response.content_length = length
        self.start(exchange, response, reply.body, True, made_here=not reply.rate_headers)

    # -- to the client

    def start(
        self,
        exchange: Exchange,
        response: Response,
        body: bytes,
        done: bool,
        trailer: bytes = b"",
        made_here: bool = False,
    ) -> None:
        """Send the head of an answer with what is there of its body."""
        asked: RequestHead = self.last_head
        self.answer_begun = True
        if not self.body_done:
            # A client that was told to wait, and got an answer instead of its cue, may send the body or may not.
            untold = asked.expects_continue and not self.asked and not exchange.bytes_in
            self.keep_alive = self.keep_alive and done and not untold
        # What the client asked counts here; a transform may have asked the upstream with another method.
        bodiless = asked.method == b"HEAD" or response.status in (204, 304)
        length = response.content_length
        if bodiless:
            body = b""
            if not done:
                done = True
                self.drop_peer()
        elif done and (exchange.method == b"HEAD" or (length is None and len(body) <= WHOLE_BYTES)):
            length = len(body)
        self.chunked_out = False
        if length is None and not bodiless:
            if exchange.request.version == 11:
                self.chunked_out = True
            else:
                self.keep_alive = False
        head = answer_head(
            exchange, response, length, self.chunked_out, self.keep_alive, trailer, body, date.line(now()), made_here
        )
        if self.chunked_out:
            body = (chunk(body) if body else b"") + (last_chunk([]) if done else b"")
        self.write(head + body if body else head)
        if done:
            self.end_answer(exchange)

    def end_answer(self, exchange: Exchange) -> None:
        """The answer is out: on to the next request, or to the end."""
        self.exchange = None
        self.answer_begun = self.asked = False
        self.held_response = None
        self.drop_peer()
        self.listener.serve.finished(exchange)
        if self.state >= LINGER:
            return
        if self.body_done:
            if self.keep_alive:
                self.next_request()
            else:
                self.close()
        elif self.keep_alive:
            self.state = DRAIN
            self.left_to_drain = DRAIN_BYTES
            self.resume_body()
        else:
            self.linger()

    def drop_peer(self) -> None:
        """Let go of an upstream whose answer is not wanted any more."""
        peer, self.peer = self.peer, None
        if peer is not None:
            peer.drop()

    # -- back-pressure

    def pause_writing(self) -> None:
        """The client takes no more for now: neither may the upstream send."""
        self.writing_paused = True
        self.unsent = self.transport.get_write_buffer_size()
        self.deadline = self.listener.now + self.listener.limits.write_timeout_s
        if self.peer is not None:
            self.peer.pause_reading()

    def resume_writing(self) -> None:
        """The client takes more."""
        self.writing_paused = False
        self.watch()
        if self.peer is not None:
            self.peer.resume_reading()
        elif self.state == WAIT and self.exchange is None:
            self.next_request()

    # -- of the other half

    @abstractmethod
    def close(self) -> None:
        """Close once everything has been written."""

    @abstractmethod
    def linger(self) -> None:
        """Close, but read over what the client may still be sending."""

    @abstractmethod
    def watch(self) -> None:
        """Set the deadline that the state has."""

    @abstractmethod
    def next_request(self) -> None:
        """The connection is free for the next request."""

    @abstractmethod
    def resume_body(self) -> None:
        """Take more of the request body."""
