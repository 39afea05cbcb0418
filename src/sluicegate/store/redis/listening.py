"""The connection that messages come on: Redis gives one that listens nothing else to do.

It asks for a sign of life now and then, since silence is usual here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from sluicegate.errors import StoreError
from sluicegate.store.backend import Listener
from sluicegate.store.redis.channel import Channel
from sluicegate.store.redis.link import Link, Reply

CHECK_S = 10.0


class Listening:
    """Listens to channels over a connection that comes back."""

    def __init__(self, connect: Callable[[], Awaitable[Link]]) -> None:
        """connect: makes a new connection, wherever messages can be heard now; raises StoreError."""
        self._channel = Channel(connect, self._on_link)
        self._listeners: dict[bytes, list[Listener]] = {}
        self._on_gap: list[Callable[[], None]] = []
        self._checker: asyncio.Task[None] | None = None

    def add(self, channel: str, listener: Listener, on_gap: Callable[[], None] | None = None) -> None:
        """Listen to one more channel."""
        name = channel.encode()
        if name not in self._listeners and self._channel.link is not None:
            with contextlib.suppress(StoreError):  # it has just broken; the next one begins with all names
                self._channel.link.call(b"SUBSCRIBE", name)
        self._listeners.setdefault(name, []).append(listener)
        if on_gap is not None:
            self._on_gap.append(on_gap)
        self._channel.start()
        if self._checker is None:
            self._checker = asyncio.get_running_loop().create_task(self._check())

    async def close(self) -> None:
        """Stop listening."""
        if self._checker is not None:
            self._checker.cancel()
            await asyncio.gather(self._checker, return_exceptions=True)
        await self._channel.close()

    def _on_link(self, link: Link) -> None:
        link.on_message = self._hear
        replies = [link.call(b"SUBSCRIBE", name) for name in self._listeners]
        replies[-1].add_done_callback(self._tell_gap)

    def _tell_gap(self, subscribed: Reply) -> None:
        """From here on nothing is missed; what was said before may have been."""
        if not subscribed.cancelled() and subscribed.exception() is None:
            for on_gap in self._on_gap:
                on_gap()

    def _hear(self, channel: bytes, message: bytes) -> None:
        for listener in self._listeners.get(channel, ()):
            listener(message)

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            with contextlib.suppress(StoreError):  # the channel already reconnects
                await self._channel.call(b"PING")
