"""One connection to Redis, and the one that takes its place when it breaks.

Theory. Commands that are sent in one turn of the loop leave in one write, and their answers come back in order, so a
thousand callers share one connection and a call costs a future and a place in a queue. Nothing is sent twice: what was
under way when a connection broke has failed, because nobody knows whether it was done.

    Link     alive from the handshake to its end; then each waiting call gets StoreError. Answers come in order, so when
             the oldest call is past its deadline the connection is hung, and ended.
    Channel  no link: connecting. Calls wait for the first attempt; once it failed they fail at once, until an attempt
             succeeds. Attempts are spread by growing, random pauses, so that nodes do not return in step.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections import deque
from collections.abc import Callable
from typing import cast

import hiredis

from sluicegate.clock import ticks
from sluicegate.errors import StoreError
from sluicegate.store.redis_options import RedisOptions

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
MOST_WAITING = 100_000

Word = bytes | str | int | float


class Refused(StoreError):
    """Redis understood a command and answered with an error."""


_INCOMPLETE = object()


class Link(asyncio.Protocol):
    """A connection that is up, until it is lost."""

    def __init__(self, timeout_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._waiting: deque[tuple[float, asyncio.Future[object]]] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._reason = "the connection to Redis was closed"
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.on_message: Callable[[bytes, bytes], None] | None = None

    def call(self, *words: Word) -> asyncio.Future[object]:
        """Send a command; the future has its reply, or StoreError."""
        if self.lost.done() or len(self._waiting) >= MOST_WAITING:
            raise StoreError(self._reason if self.lost.done() else "too many commands wait for Redis")
        reply = self._loop.create_future()
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(hiredis.pack_command(words))  # type: ignore[arg-type]  # its stub takes one word
        self._waiting.append((ticks() + self._timeout_s, reply))
        if self._watch is None:
            self._watch = self._loop.call_later(self._timeout_s, self._check_deadline)
        return reply

    def end(self, reason: str) -> None:
        """Break the connection."""
        self._reason = reason
        if self._transport is not None:
            self._transport.abort()
        else:
            self.connection_lost(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has all of it without being one
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not _INCOMPLETE:
                self._answer(reply)
        except hiredis.ProtocolError as error:
            self.end(f"Redis sent what is not its protocol: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._reason = f"the connection to Redis broke: {exc}"
        if self._watch is not None:
            self._watch.cancel()
        for _deadline, reply in self._waiting:
            if not reply.done():
                reply.set_exception(StoreError(self._reason))
        self._waiting.clear()
        if not self.lost.done():
            self.lost.set_result(None)

    def _send(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def _answer(self, reply: object) -> None:
        if self.on_message is not None and isinstance(reply, list) and reply[0] == b"message":
            self.on_message(reply[1], reply[2])
            return
        if not self._waiting:
            self.end("Redis sent an answer that nobody asked for")
            return
        waiting = self._waiting.popleft()[1]
        if waiting.done():
            return
        if isinstance(reply, hiredis.ReplyError):
            waiting.set_exception(Refused(str(reply)))
        else:
            waiting.set_result(reply)

    def _check_deadline(self) -> None:
        self._watch = None
        if not self._waiting:
            return
        left_s = self._waiting[0][0] - ticks()
        if left_s <= 0:
            self.end(f"Redis did not answer within {self._timeout_s:g} s")
        else:
            self._watch = self._loop.call_later(left_s, self._check_deadline)


async def open_link(options: RedisOptions) -> Link:
    """Connect and sign in. Raises StoreError."""
    link = Link(options.timeout_s)
    loop = asyncio.get_running_loop()
    host, port = options.address
    try:
        async with asyncio.timeout(options.timeout_s):
            await loop.create_connection(lambda: link, host, port, ssl=options.tls)
            for words in options.greeting:
                await link.call(*words)
    except Refused as error:
        link.end(str(error))
        raise StoreError(f"Redis at {host}:{port} refused to let us in: {error}") from error
    except (OSError, TimeoutError, ValueError, StoreError) as error:  # ValueError: a host that is no name
        link.end(str(error))
        what = f"no answer within {options.timeout_s:g} s" if isinstance(error, TimeoutError) else error
        raise StoreError(f"Redis at {host}:{port} cannot be reached: {what}") from error
    return link


class Channel:
    """A connection that comes back. Call it from one loop."""

    def __init__(self, options: RedisOptions, on_link: Callable[[Link], None] | None = None) -> None:
        """on_link: is called with each new connection, before anything else is sent on it."""
        self._options = options
        self._on_link = on_link
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._failure = ""
        self._early: list[tuple[tuple[Word, ...], asyncio.Future[object]]] = []

    def call(self, *words: Word) -> asyncio.Future[object]:
        """Send a command; the future has its reply. Raises StoreError when Redis is away."""
        link = self._link
        if link is not None:
            return link.call(*words)
        self.start()
        if self._failure or len(self._early) >= MOST_WAITING:
            raise StoreError(self._failure or "too many commands wait for Redis")
        reply: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._early.append((words, reply))
        return reply

    @property
    def link(self) -> Link | None:
        """The connection that is up, if one is."""
        return self._link

    def start(self) -> None:
        """Begin to connect, if nobody has."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep_connected())

    async def close(self) -> None:
        """End the connection and don't come back."""
        self._failure = "the store is closed"
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._link is not None:
            self._link.end(self._failure)
            await self._link.lost
            self._link = None

    async def _keep_connected(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                link = await open_link(self._options)
            except StoreError as error:
                self._fail_early(str(error))
                await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - nothing secret about a pause
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                continue
            pause_s = FIRST_PAUSE_S
            self._take(link)
            await asyncio.shield(link.lost)
            self._link = None

    def _take(self, link: Link) -> None:
        self._failure = ""
        self._link = link
        if self._on_link is not None:
            self._on_link(link)
        early, self._early = self._early, []
        for words, reply in early:
            if not reply.done():
                _pass_on(link.call(*words), reply)

    def _fail_early(self, failure: str) -> None:
        self._failure = failure
        early, self._early = self._early, []
        for _words, reply in early:
            if not reply.done():
                reply.set_exception(StoreError(failure))


def _pass_on(source: asyncio.Future[object], target: asyncio.Future[object]) -> None:
    def copy(done: asyncio.Future[object]) -> None:
        if target.done():
            return
        error = done.exception()
        if error is not None:
            target.set_exception(error)
        else:
            target.set_result(done.result())

    source.add_done_callback(copy)
