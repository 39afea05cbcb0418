"""One connection to a Redis server.

Theory. Commands that are sent in one turn of the loop leave in one write, and their answers come back in order, so a
thousand callers share one connection and a call costs a future and a place in a queue. Nothing is sent twice: what was
under way when a connection broke has failed, because nobody knows whether it was done. Only a command that a server has
refused may be sent to another one (`on_refused`): it was certainly not done.

A link is alive from the handshake to its end; then each waiting call gets StoreError. Answers come in order, so when
the oldest call is past its deadline the connection hangs, and is ended.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import hiredis

from sluicegate.clock import ticks
from sluicegate.errors import StoreError

if TYPE_CHECKING:
    from sluicegate.store.redis.options import RedisOptions

MOST_WAITING = 100_000

Word = bytes | str | int | float
Words = tuple[Word, ...]
Reply = asyncio.Future[object]
Address = tuple[str, int]
"""Host and port."""

OnRefused = Callable[[str, Words, Reply, int], bool]
"""Is told of an error that Redis answered: its text, the command, its reply, and how many servers have passed it on.

Returns whether it takes care of the reply; it must not raise."""


class Refused(StoreError):
    """Redis understood a command and answered with an error."""


class NotSent(StoreError):
    """Redis was away: a command was certainly not done."""


_INCOMPLETE = object()


class Link(asyncio.Protocol):
    """A connection that is up, until it is lost."""

    def __init__(self, timeout_s: float, address: Address = ("", 0)) -> None:
        self.address = address
        self._loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._waiting: deque[tuple[float, Reply, Words, int]] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._is_retired = False
        self.reason = "the connection to Redis was closed"
        self.is_hung = False
        self.has_failed_calls = False
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.on_message: Callable[[bytes, bytes], None] | None = None
        self.on_refused: OnRefused | None = None

    def call(self, *words: Word) -> Reply:
        """Send a command; the future has its reply, or StoreError."""
        reply: Reply = self._loop.create_future()
        self.send(words, reply)
        return reply

    def send(self, words: Words, reply: Reply, hops: int = 0) -> None:
        """Send a command whose reply somebody waits for already; `hops`: how many servers have passed it on."""
        if self.lost.done() or len(self._waiting) >= MOST_WAITING:
            raise NotSent(self.reason if self.lost.done() else "too many commands wait for Redis")
        if not self._unsent:
            self._loop.call_soon(self._write)
        self._unsent.append(hiredis.pack_command(words))  # type: ignore[arg-type]  # its stub takes one word
        self._waiting.append((ticks() + self._timeout_s, reply, words, hops))
        if self._watch is None:
            self._watch = self._loop.call_later(self._timeout_s, self._check_deadline)

    def end(self, reason: str) -> None:
        """Break the connection."""
        self.reason = reason
        if self._transport is not None:
            self._transport.abort()
        else:
            self.connection_lost(None)

    def retire(self) -> None:
        """Break the connection when nobody waits for an answer any more."""
        self._is_retired = True
        if not self._waiting:
            self.end("the server is not asked any more")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has all of it without being one
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self.lost.done():
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not _INCOMPLETE:
                self._answer(reply)
        except hiredis.ProtocolError as error:
            self.end(f"Redis sent what is not its protocol: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.reason = f"the connection to Redis broke: {exc}"
        if self._watch is not None:
            self._watch.cancel()
        self.has_failed_calls = bool(self._waiting)
        waiting, self._waiting = self._waiting, deque()
        for _deadline, reply, _words, _hops in waiting:
            fail(reply, StoreError(self.reason))
        if not self.lost.done():
            self.lost.set_result(None)

    def _write(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def _answer(self, answer: object) -> None:
        if self.on_message is not None and isinstance(answer, list) and answer[0] == b"message":
            self.on_message(answer[1], answer[2])
            return
        if not self._waiting:
            self.end("Redis sent an answer that nobody asked for")
            return
        _deadline, reply, words, hops = self._waiting.popleft()
        if isinstance(answer, hiredis.ReplyError):
            text = str(answer)
            if self.on_refused is None or not self.on_refused(text, words, reply, hops):
                fail(reply, Refused(text))
        elif not reply.done():
            reply.set_result(answer)
        if self._is_retired and not self._waiting:
            self.retire()

    def _check_deadline(self) -> None:
        self._watch = None
        if not self._waiting:
            return
        left_s = self._waiting[0][0] - ticks()
        if left_s <= 0:
            self.is_hung = True
            self.end(f"Redis did not answer within {self._timeout_s:g} s")
        else:
            self._watch = self._loop.call_later(left_s, self._check_deadline)


def fail(reply: Reply, error: StoreError) -> None:
    """Give a call its error. It need not be looked at: who has sent several commands stops at the first error."""
    if not reply.done():
        reply.set_exception(error)
        reply.exception()


async def open_link(address: Address, options: RedisOptions) -> Link:
    """Connect and sign in. Raises StoreError."""
    link = Link(options.timeout_s, address)
    loop = asyncio.get_running_loop()
    host, port = address
    try:
        async with asyncio.timeout(options.timeout_s):
            await loop.create_connection(lambda: link, host, port, ssl=options.tls)
            for words in options.greeting:
                await link.call(*words)
            await _see_that_it_answers(link)
    except Refused as error:
        link.end(str(error))
        raise StoreError(f"Redis at {host}:{port} refused to let us in: {error}") from error
    except (OSError, TimeoutError, ValueError, StoreError) as error:  # ValueError: a host that is no name
        link.end(str(error))
        what = f"no answer within {options.timeout_s:g} s" if isinstance(error, TimeoutError) else error
        raise StoreError(f"Redis at {host}:{port} cannot be reached: {what}") from error
    except BaseException:  # cancelled: nobody else knows of the connection
        link.end("given up")
        raise
    return link


async def _see_that_it_answers(link: Link) -> None:
    """A server that hangs still takes connections: the kernel does that. One that is loading is not there yet."""
    try:
        await link.call("PING")
    except Refused as error:
        if not str(error).startswith("NOPERM"):
            raise
