"""The store in Redis, in Tyk's layout: what nodes share.

Commands travel on one connection (`store.redis_link`), messages on another, since Redis gives a connection that listens
nothing else to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from sluicegate.clock import ticks
from sluicegate.errors import StoreError
from sluicegate.store.backend import MISSING, NO_EXPIRY, Backend, Health, Listener
from sluicegate.store.redis_link import Channel, Link, Refused, Word
from sluicegate.store.redis_options import RedisOptions
from sluicegate.store.tokens import to_bytes

SCAN_BATCH = 1000
DELETE_BATCH = 500
LISTEN_CHECK_S = 10.0
GLOB = str.maketrans({letter: "\\" + letter for letter in "*?[]\\^-"})

SCRIPTS = Path(__file__).parent / "scripts"


class Script:
    """A Lua script of ours, which Redis runs as one step."""

    def __init__(self, name: str) -> None:
        self.text = (SCRIPTS / f"{name}.lua").read_bytes()
        self.sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest().encode()


class RedisBackend(Backend):
    """A Redis server."""

    kind: ClassVar[str] = "redis"

    def __init__(self, options: RedisOptions) -> None:
        """Nothing is connected before the first call: a node starts with Redis away, too."""
        self._channel = Channel(options)
        self._listening = Listening(options)

    def call(self, *words: Word) -> Awaitable[Any]:
        """Send any command; what is awaited is the reply as Redis gave it. Raises StoreError."""
        return self._channel.call(*words)

    async def run(self, script: Script, names: Sequence[str], *arguments: Word) -> Any:
        """Run a script over some names."""
        keys = [to_bytes(name) for name in names]
        try:
            return await self._channel.call(b"EVALSHA", script.sha, len(keys), *keys, *arguments)
        except Refused as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        return await self._channel.call(b"EVAL", script.text, len(keys), *keys, *arguments)

    # values

    async def mget(self, names: Sequence[str]) -> list[bytes | None]:
        if len(names) == 1:
            return [await self.call(b"GET", to_bytes(names[0]))]
        found: list[bytes | None] = await self.call(b"MGET", *map(to_bytes, names))
        return found

    async def set(self, name: str, value: bytes, ttl_s: float = 0) -> None:
        await self.call(b"SET", to_bytes(name), value, *_expiry(ttl_s))

    async def add(self, name: str, value: bytes, ttl_s: float = 0) -> bool:
        return await self.call(b"SET", to_bytes(name), value, *_expiry(ttl_s), b"NX") is not None

    async def delete(self, *names: str) -> int:
        batches = [names[start : start + DELETE_BATCH] for start in range(0, len(names), DELETE_BATCH)]
        return sum([await self.call(b"DEL", *map(to_bytes, batch)) for batch in batches])

    async def exists(self, name: str) -> bool:
        return bool(await self.call(b"EXISTS", to_bytes(name)))

    async def ttl_s(self, name: str) -> float:
        left_ms: int = await self.call(b"PTTL", to_bytes(name))
        return left_ms / 1000 if left_ms >= 0 else NO_EXPIRY if left_ms == -1 else MISSING

    async def expire(self, name: str, ttl_s: float) -> bool:
        if ttl_s <= 0:
            await self.call(b"PERSIST", to_bytes(name))
            return await self.exists(name)
        return bool(await self.call(b"PEXPIRE", to_bytes(name), math.ceil(ttl_s * 1000)))

    async def incr(self, name: str, by: int = 1, ttl_s: float = 0) -> int:
        if ttl_s > 0:
            made = self.call(b"SET", to_bytes(name), 0, *_expiry(ttl_s), b"NX")
            count = self.call(b"INCRBY", to_bytes(name), by)
            return int((await asyncio.gather(made, count))[1])
        return int(await self.call(b"INCRBY", to_bytes(name), by))

    async def scan(self, prefix: str) -> list[str]:
        found: set[str] = set()
        cursor = b"0"
        pattern = to_bytes(prefix.translate(GLOB)) + b"*"
        while True:
            cursor, names = await self.call(b"SCAN", cursor, b"MATCH", pattern, b"COUNT", SCAN_BATCH)
            found.update(name.decode("utf-8", "surrogateescape") for name in names)
            if cursor == b"0":
                return list(found)

    # lists, sets, sorted sets

    async def list_append(self, name: str, *values: bytes) -> None:
        await self.call(b"RPUSH", to_bytes(name), *values)

    async def list_items(self, name: str) -> list[bytes]:
        items: list[bytes] = await self.call(b"LRANGE", to_bytes(name), 0, -1)
        return items

    async def list_remove(self, name: str, value: bytes) -> int:
        return int(await self.call(b"LREM", to_bytes(name), 0, value))

    async def set_add(self, name: str, *members: bytes) -> None:
        await self.call(b"SADD", to_bytes(name), *members)

    async def set_remove(self, name: str, *members: bytes) -> None:
        await self.call(b"SREM", to_bytes(name), *members)

    async def set_members(self, name: str) -> list[bytes]:
        members: list[bytes] = await self.call(b"SMEMBERS", to_bytes(name))
        return members

    async def sorted_add(self, name: str, member: bytes, score: float) -> None:
        await self.call(b"ZADD", to_bytes(name), repr(float(score)), member)

    async def sorted_range(self, name: str, lowest: float, highest: float) -> list[tuple[bytes, float]]:
        reply = await self.call(b"ZRANGEBYSCORE", to_bytes(name), _score(lowest), _score(highest), b"WITHSCORES")
        return [(reply[at], float(reply[at + 1])) for at in range(0, len(reply), 2)]

    async def sorted_remove(self, name: str, lowest: float, highest: float) -> int:
        return int(await self.call(b"ZREMRANGEBYSCORE", to_bytes(name), _score(lowest), _score(highest)))

    # messages

    async def publish(self, channel: str, message: bytes) -> None:
        await self.call(b"PUBLISH", channel, message)

    def subscribe(self, channel: str, listener: Listener, on_gap: Callable[[], None] | None = None) -> None:
        self._listening.add(channel, listener, on_gap)

    # life

    async def health(self) -> Health:
        started = ticks()
        try:
            await self.call(b"PING")
        except StoreError as error:
            return Health(self.kind, False, ticks() - started, str(error))
        return Health(self.kind, True, ticks() - started)

    async def close(self) -> None:
        await self._listening.close()
        await self._channel.close()


class Listening:
    """The connection that messages come on. It asks for a sign of life now and then, since silence is usual here."""

    def __init__(self, options: RedisOptions) -> None:
        self._channel = Channel(options, self._on_link)
        self._listeners: dict[bytes, list[Listener]] = {}
        self._on_gap: list[Callable[[], None]] = []
        self._had_link = False
        self._checker: asyncio.Task[None] | None = None

    def add(self, channel: str, listener: Listener, on_gap: Callable[[], None] | None) -> None:
        """Listen to one more channel."""
        name = channel.encode()
        if name not in self._listeners and self._channel.link is not None:
            _ignore(self._channel.link.call(b"SUBSCRIBE", name))
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
        for reply in replies:
            _ignore(reply)
        if self._had_link:
            replies[-1].add_done_callback(self._tell_gap)
        self._had_link = True

    def _tell_gap(self, subscribed: asyncio.Future[object]) -> None:
        """From here on nothing is missed; what was said before may have been."""
        if not subscribed.cancelled() and subscribed.exception() is None:
            for on_gap in self._on_gap:
                on_gap()

    def _hear(self, channel: bytes, message: bytes) -> None:
        for listener in self._listeners.get(channel, ()):
            listener(message)

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(LISTEN_CHECK_S)
            with contextlib.suppress(StoreError):  # the channel already reconnects
                await self._channel.call(b"PING")


def _ignore(reply: asyncio.Future[object]) -> None:
    """Let a reply go unseen: if the command failed, so did the connection, and a new one begins anew."""
    reply.add_done_callback(lambda done: done.cancelled() or done.exception())


def _expiry(ttl_s: float) -> tuple[Word, ...]:
    if ttl_s <= 0:
        return ()
    return (b"EX", int(ttl_s)) if ttl_s == int(ttl_s) else (b"PX", max(1, int(ttl_s * 1000)))


def _score(score: float) -> str:
    return repr(float(score)) if math.isfinite(score) else "+inf" if score > 0 else "-inf"
