"""A connection that comes back when it breaks.

Theory. A channel has a link, or is connecting. Without a link, calls wait for the first attempt; once it failed they
fail at once, until an attempt succeeds. So a server that restarts costs its callers a moment, and one that is away
costs them nothing. Where a link was ended because it hung, calls fail at once from then on: they have waited enough.
Attempts are spread by growing, random pauses, so that nodes do not return in step.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from sluicegate.errors import StoreError
from sluicegate.store.redis.link import MOST_WAITING, Link, NotSent, Reply, Word, Words, fail

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0


class Channel:
    """A connection that comes back. Call it from one loop."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Link]],
        on_link: Callable[[Link], None] | None = None,
        on_away: Callable[[str], None] | None = None,
    ) -> None:
        """Prepare; nothing is connected before the first call, or `start`.

        connect: makes a new connection, wherever it leads now; raises StoreError.
        on_link: is called with each new connection, before anything else is sent on it.
        on_away: is told why, when calls have failed with the connection, and whenever connecting has failed.
        """
        self._connect, self._on_link, self._on_away = connect, on_link, on_away
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._failure = ""
        self._early: list[tuple[Words, Reply, int]] = []

    def call(self, *words: Word) -> Reply:
        """Send a command; the future has its reply. Raises StoreError when Redis is away."""
        link = self._link
        if link is not None:
            return link.call(*words)
        reply: Reply = asyncio.get_running_loop().create_future()
        self.send(words, reply)
        return reply

    def send(self, words: Words, reply: Reply, hops: int = 0) -> None:
        """Send a command as `Link.send` does. Raises StoreError when Redis is away."""
        if self._link is not None:
            self._link.send(words, reply, hops)
            return
        self.start()
        if self._failure or len(self._early) >= MOST_WAITING:
            raise NotSent(self._failure or "too many commands wait for Redis")
        self._early.append((words, reply, hops))

    @property
    def link(self) -> Link | None:
        """The connection that is up, if one is."""
        return self._link

    @property
    def is_away(self) -> bool:
        """Whether calls fail at once."""
        return self._failure != ""

    def start(self) -> None:
        """Begin to connect, if nobody has."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep_connected())

    def retire(self) -> None:
        """Answer what was asked already, and don't come back."""
        if self._task is not None:
            self._task.cancel()
        self._fail_early("the server is not asked any more")
        if self._link is not None:
            self._link.retire()

    async def close(self) -> None:
        """End the connection and don't come back."""
        self._fail_early("the store is closed")
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
                link = await self._connect()
            except StoreError as error:
                self._fail_early(str(error))
                self._tell_away(str(error))
                await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - nothing secret about a pause
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                continue
            pause_s = FIRST_PAUSE_S
            self._take(link)
            await asyncio.shield(link.lost)
            self._link = None
            if link.is_hung:
                self._failure = link.reason
            if link.has_failed_calls:
                self._tell_away(link.reason)

    def _tell_away(self, reason: str) -> None:
        if self._on_away is not None:
            self._on_away(reason)

    def _take(self, link: Link) -> None:
        self._failure = ""
        self._link = link
        if self._on_link is not None:
            self._on_link(link)
        early, self._early = self._early, []
        for words, reply, hops in early:
            if not reply.done():
                self._send_now(link, words, reply, hops)

    def _send_now(self, link: Link, words: Words, reply: Reply, hops: int) -> None:
        try:
            link.send(words, reply, hops)
        except StoreError as error:
            fail(reply, error)

    def _fail_early(self, failure: str) -> None:
        self._failure = failure
        early, self._early = self._early, []
        for _words, reply, _hops in early:
            fail(reply, NotSent(failure))
