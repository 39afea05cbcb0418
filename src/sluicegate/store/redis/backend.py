"""The port of the store, in the commands of Redis.

Commands travel on connections that many callers share (`link`), messages on another one (`listening`). Which server
gets a command is decided in `servers`.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from sluicegate.clock import ticks
from sluicegate.errors import StoreError
from sluicegate.store.backend import MISSING, NO_EXPIRY, Backend, Health, Listener, Master
from sluicegate.store.redis.channel import Channel
from sluicegate.store.redis.cluster import ClusterServers
from sluicegate.store.redis.link import Refused, Word, open_link
from sluicegate.store.redis.listening import Listening
from sluicegate.store.redis.options import RedisOptions
from sluicegate.store.redis.outage import Log, Outage, silent
from sluicegate.store.redis.replicas import masters_of
from sluicegate.store.redis.sentinel import SentinelServers
from sluicegate.store.redis.servers import OneServer, Servers
from sluicegate.store.tokens import to_bytes

SCAN_BATCH = 1000
DELETE_BATCH = 500
SLOW = "answers"
TRY_AGAIN = "TRYAGAIN "
"""Says a server of a Redis Cluster, when it has some names of a script and another has the others."""
MOVING_S = 0.05
GLOB = str.maketrans({letter: "\\" + letter for letter in "*?[]\\^-"})

SCRIPTS = Path(__file__).parents[1] / "scripts"


class Script:
    """A Lua script of ours, which Redis runs as one step."""

    def __init__(self, name: str) -> None:
        self.text = (SCRIPTS / f"{name}.lua").read_bytes()
        self.sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest().encode()


SWAP = Script("swap")
TAKE = Script("take")


class RedisBackend(Backend):
    """A Redis server, the master that Sentinels watch, or a Redis Cluster."""

    kind: ClassVar[str] = "redis"

    def __init__(self, options: RedisOptions, log: Log = silent, purpose: str = "storage") -> None:
        """Nothing is connected before the first call: a node starts with Redis away, too.

        log:     is told once when Redis goes and once when it returns.
        purpose: what the store is for, in the words of the settings.
        """
        self._servers = _servers(options, log, purpose)
        self._patience_s = options.timeout_s
        self.is_split = self._servers.is_split
        self._listening = Listening(self._servers.connect_listener)

    @property
    def topology(self) -> str:
        """`single`, `sentinel` or `cluster`."""
        return self._servers.topology

    def too_slow(self, reason: str) -> None:
        """Somebody could not wait any longer: the server is away, as far as the log is concerned."""
        self._servers.outage.lost(SLOW, reason)

    def answers(self) -> None:
        """It does not keep anybody waiting any more."""
        self._servers.outage.found(SLOW)

    def was_away_since(self, moment_ticks: float) -> bool:
        return self._servers.outage.reaches(moment_ticks)

    def call(self, *words: Word) -> Awaitable[Any]:
        """Send any command whose second word is the name it is about; what is awaited is the reply as Redis gave it.

        Raises StoreError. Replies need not be awaited: of several that are under way, the first error is enough.
        """
        return self._servers.call(*words)

    async def run(self, script: Script, names: Sequence[str], *arguments: Word) -> Any:
        """Run a script over some names; in a Redis Cluster, all must be in one slot."""
        keys = [to_bytes(name) for name in names]
        about = partial(self._servers.call_about, keys[0])
        try:
            return await about(b"EVALSHA", script.sha, len(keys), *keys, *arguments)
        except Refused as error:
            if not str(error).startswith(("NOSCRIPT ", TRY_AGAIN)):
                raise
        return await self._when_together(partial(about, b"EVAL", script.text, len(keys), *keys, *arguments))

    async def _when_together(self, run: Callable[[], Awaitable[Any]]) -> Any:
        """Run a script about several names; while their slot moves they may be on two servers, none of which does."""
        until = ticks() + self._patience_s
        while True:
            try:
                return await run()
            except Refused as error:
                if not str(error).startswith(TRY_AGAIN) or ticks() > until:
                    raise
            await asyncio.sleep(MOVING_S)

    # values

    async def mget(self, names: Sequence[str]) -> list[bytes | None]:
        if len(names) == 1 or self.is_split:
            values = [self.call(b"GET", to_bytes(name)) for name in names]
            return [await value for value in values]
        found: list[bytes | None] = await self.call(b"MGET", *map(to_bytes, names))
        return found

    async def set(self, name: str, value: bytes, ttl_s: float = 0) -> None:
        await self.call(b"SET", to_bytes(name), value, *_expiry(ttl_s))

    async def add(self, name: str, value: bytes, ttl_s: float = 0) -> bool:
        return await self.call(b"SET", to_bytes(name), value, *_expiry(ttl_s), b"NX") is not None

    async def swap(self, name: str, before: bytes, after: bytes, ttl_s: float | None = None) -> bool:
        left_ms = -1 if ttl_s is None else max(0, math.ceil(ttl_s * 1000))
        return bool(await self.run(SWAP, [name], before, after, left_ms))

    async def delete(self, *names: str) -> int:
        batches = [names[start : start + DELETE_BATCH] for start in range(0, len(names), DELETE_BATCH)]
        return sum([await self._delete(list(map(to_bytes, batch))) for batch in batches])

    async def _delete(self, names: Sequence[bytes]) -> int:
        if not self.is_split:
            return int(await self.call(b"DEL", *names))
        counts = [self.call(b"DEL", name) for name in names]
        return sum([await count for count in counts])

    async def take(self, name: str) -> bytes | None:
        value: bytes | None = await self.run(TAKE, [name])
        return value

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

    async def scan(self, prefix: str, containing: str = "") -> list[str]:
        """Return the names; those that move between the servers of a Redis Cluster meanwhile may be missed."""
        pattern = to_bytes(prefix.translate(GLOB)) + b"*"
        if containing:
            pattern += to_bytes(containing.translate(GLOB)) + b"*"
        parts = [await _scan(master, pattern) for master in await self._servers.masters()]
        return list(set[str]().union(*parts))

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

    async def sorted_discard(self, name: str, *members: bytes) -> int:
        return int(await self.call(b"ZREM", to_bytes(name), *members))

    # messages

    async def publish(self, channel: str, message: bytes) -> None:
        await self._servers.call_anyone(b"PUBLISH", channel, message)

    def subscribe(self, channel: str, listener: Listener, on_gap: Callable[[], None] | None = None) -> None:
        self._listening.add(channel, listener, on_gap)

    # life

    async def health(self) -> Health:
        started = ticks()
        try:
            trouble = await self._servers.ping()
        except StoreError as error:
            return Health(self.kind, False, ticks() - started, str(error), self.topology)
        return Health(self.kind, True, ticks() - started, trouble, self.topology)

    async def masters(self) -> Sequence[Master]:
        try:
            return await masters_of(await self._servers.masters())
        except StoreError:
            return ()

    async def close(self) -> None:
        await self._listening.close()
        await self._servers.close()


def _servers(options: RedisOptions, log: Log, purpose: str) -> Servers:
    if options.master_name:
        return SentinelServers(options, Outage(log, SentinelServers.topology, purpose))
    if options.is_cluster:
        return ClusterServers(options, Outage(log, ClusterServers.topology, purpose))
    connect = partial(open_link, options.addresses[0], options)
    return OneServer(connect, Outage(log, OneServer.topology, purpose))


async def _scan(master: Channel, pattern: bytes) -> set[str]:
    found: set[str] = set()
    cursor: Word = b"0"
    while True:
        answer: Any = await master.call(b"SCAN", cursor, b"MATCH", pattern, b"COUNT", SCAN_BATCH)
        cursor, names = answer
        found.update(name.decode("utf-8", "surrogateescape") for name in names)
        if cursor == b"0":
            return found


def _expiry(ttl_s: float) -> tuple[Word, ...]:
    if ttl_s <= 0:
        return ()
    return (b"EX", int(ttl_s)) if ttl_s == int(ttl_s) else (b"PX", max(1, int(ttl_s * 1000)))


def _score(score: float) -> str:
    return repr(float(score)) if math.isfinite(score) else "+inf" if score > 0 else "-inf"
