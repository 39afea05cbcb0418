"""Who gets a command: the face that all topologies have in common, and the one where a single server gets them all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar

from sluicegate.clock import ticks
from sluicegate.store.redis.channel import Channel
from sluicegate.store.redis.link import Link, Refused, Reply, Word, Words, fail
from sluicegate.store.redis.outage import Outage

SETTLED_S = 1.0


class Servers(ABC):
    """The Redis servers that are one store."""

    topology: ClassVar[str]
    """`single`, `sentinel` or `cluster`."""
    is_split: ClassVar[bool]
    """Whether names live on different servers, so that one command must not have several of them."""
    outage: Outage
    """What is told of it when they are away."""

    @abstractmethod
    def call(self, *words: Word) -> Reply:
        """Send a command whose second word is the name it is about. Raises StoreError when its server is away."""

    @abstractmethod
    def call_about(self, name: bytes, *words: Word) -> Reply:
        """Send a command to the server that has a name."""

    @abstractmethod
    def call_anyone(self, *words: Word) -> Reply:
        """Send a command to any server."""

    @abstractmethod
    async def masters(self) -> list[Channel]:
        """Return the servers that have all names between them. Raises StoreError when some have no server."""

    @abstractmethod
    async def ping(self) -> str:
        """Ask for a sign of life; return what is wrong with a part of them. Raises StoreError when all are away."""

    @abstractmethod
    async def connect_listener(self) -> Link:
        """Make a connection to a server that hears all messages. Raises StoreError."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of all connections."""


class OneServer(Servers):
    """One server has everything: a Redis by itself, or the master of those that Sentinels watch."""

    topology = "single"
    is_split = False

    def __init__(self, connect: Callable[[], Awaitable[Link]], outage: Outage) -> None:
        """connect: makes a new connection to the server, whichever that is now; raises StoreError."""
        self._connect, self.outage = connect, outage
        self._channel = Channel(connect, self._on_link, self._on_away)

    def call(self, *words: Word) -> Reply:
        return self._channel.call(*words)

    def call_about(self, name: bytes, *words: Word) -> Reply:
        return self._channel.call(*words)

    def call_anyone(self, *words: Word) -> Reply:
        return self._channel.call(*words)

    async def masters(self) -> list[Channel]:
        return [self._channel]

    async def ping(self) -> str:
        await self._channel.call("PING")
        return ""

    async def connect_listener(self) -> Link:
        return await self._connect()

    async def close(self) -> None:
        await self._channel.close()

    def _on_away(self, reason: str) -> None:
        self.outage.lost(self.topology, reason)

    def _on_link(self, link: Link) -> None:
        self.outage.found(self.topology)
        since = ticks()

        def on_refused(text: str, words: Words, reply: Reply, hops: int) -> bool:
            if text.startswith("MOVED "):
                fail(reply, Refused(f"{text}: this is a server of a Redis Cluster; set enable_cluster"))
                return True
            if text.startswith("READONLY ") and ticks() - since > SETTLED_S:
                link.end("the server is not the master any more")
            return False

        link.on_refused = on_refused
