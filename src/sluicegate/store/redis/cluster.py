"""A Redis Cluster: many masters, each with a share of the names (`slots`).

Theory. A map says which master has a slot, and each master has a channel, so commands for one master travel together
and a command costs one look into the map. The map is read from any server that answers:

    when nothing is known yet; calls wait for the first attempt, and fail at once when it has failed
    when a server says that it does not have the slot (MOVED: the command goes where it says, and the map is mended),
      that a slot has no master (CLUSTERDOWN), or does not answer
    again and again, up to twice a second, as long as a master is away; else twice a minute

ASK is followed for one command and the map left alone: the slot is on its way. A command that was passed on is not done
twice, since the one who passed it on has refused it. Commands with several names are sent as one for each name: names
live apart, and even in one slot they do while it is on its way.

Replicas are never asked: they may be behind.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from functools import partial

from sluicegate.errors import StoreError
from sluicegate.store.redis.channel import Channel
from sluicegate.store.redis.cluster_map import ask_for_map, servers_in
from sluicegate.store.redis.link import MOST_WAITING, Address, Link, NotSent, Reply, Word, Words, fail, open_link
from sluicegate.store.redis.options import RedisOptions
from sluicegate.store.redis.outage import Outage
from sluicegate.store.redis.servers import Servers
from sluicegate.store.redis.slots import SLOTS, Shard, read_redirect, slot_of
from sluicegate.store.tokens import to_bytes

MOST_HOPS = 5
LOOK_PAUSE_S = 0.1
LOOK_AWAY_S = 0.5
LOOK_S = 30.0
PING_S = 1.0
NO_SERVER = "no server of the Redis Cluster has this part of the names"


class ClusterServers(Servers):
    """The masters of a Redis Cluster."""

    topology = "cluster"
    is_split = True

    def __init__(self, options: RedisOptions, outage: Outage) -> None:
        self._options, self.outage = options, outage
        self._by_slot: list[Channel | None] = [None] * SLOTS
        self._channels: dict[Address, Channel] = {}
        self._servers: tuple[Address, ...] = ()
        self._listeners: set[Link] = set()
        self._has_map = asyncio.Event()
        self._look_now = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._failure = ""
        self._early: list[tuple[bytes, Words, Reply]] = []

    # commands

    def call(self, *words: Word) -> Reply:
        name = words[1]
        return self.call_about(name if isinstance(name, bytes) else to_bytes(str(name)), *words)

    def call_about(self, name: bytes, *words: Word) -> Reply:
        channel = self._by_slot[slot_of(name)]
        if channel is not None:
            return channel.call(*words)
        if self._has_map.is_set():
            self._look_now.set()
            raise NotSent(NO_SERVER)
        self._start()
        if self._failure or len(self._early) >= MOST_WAITING:
            raise NotSent(self._failure or "too many commands wait for Redis")
        reply: Reply = asyncio.get_running_loop().create_future()
        self._early.append((name, words, reply))
        return reply

    def call_anyone(self, *words: Word) -> Reply:
        there = [channel for channel in self._channels.values() if not channel.is_away]
        connected = [channel for channel in there if channel.link is not None]
        if there:
            return random.choice(connected or there).call(*words)  # noqa: S311 - spreads load
        return self.call_about(b"", *words)

    async def masters(self) -> list[Channel]:
        if not self._has_map.is_set():
            await self.call_about(b"", "PING")
        channels = dict.fromkeys(self._by_slot)
        if None in channels:
            self._look_now.set()
            raise StoreError(NO_SERVER)
        return [channel for channel in channels if channel is not None]

    async def ping(self) -> str:
        if not self._has_map.is_set():
            await self.call_about(b"", "PING")
        asked = set(self._by_slot)
        errors = [NO_SERVER] if None in asked else []
        answers = {_text(address): _ping(channel) for address, channel in self._channels.items() if channel in asked}
        found = dict(zip(answers, await asyncio.gather(*answers.values()), strict=True))
        errors += [f"{server}: {error}" for server, error in found.items() if error]
        if len(errors) == len(asked):
            raise StoreError(errors[0])
        return "; ".join(errors)

    async def connect_listener(self) -> Link:
        self._start()
        connected = [address for address, channel in self._channels.items() if channel.link is not None]
        address = random.choice(connected or self._servers or self._options.addresses)  # noqa: S311 - spreads load
        link = await open_link(address, self._options)
        self._listeners.add(link)
        link.lost.add_done_callback(lambda _lost: self._listeners.discard(link))
        return link

    async def close(self) -> None:
        self._fail_early("the store is closed")
        self._has_map.clear()
        self._by_slot = [None] * SLOTS
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        for channel in self._channels.values():
            await channel.close()

    # refusals

    def _on_refused(self, asked: Address, text: str, words: Words, reply: Reply, hops: int) -> bool:
        if text.startswith("CLUSTERDOWN "):
            self._look_now.set()
        if not text.startswith(("MOVED ", "ASK ")) or hops >= MOST_HOPS:
            return False
        try:
            slot, address = read_redirect(text, asked)
            channel = self._channel(address)
            if text.startswith("MOVED "):
                self._by_slot[slot] = channel
                self._look_now.set()
            else:
                channel.call("ASKING")
            channel.send(words, reply, hops + 1)
        except ValueError:
            return False
        except StoreError as error:
            fail(reply, error)
        return True

    # channels

    def _channel(self, address: Address) -> Channel:
        channel = self._channels.get(address)
        if channel is None:
            channel = self._channels[address] = Channel(
                partial(open_link, address, self._options), self._on_link, partial(self._on_away, address)
            )
        return channel

    def _on_link(self, link: Link) -> None:
        self.outage.found(_text(link.address))
        link.on_refused = partial(self._on_refused, link.address)

    def _on_away(self, address: Address, reason: str) -> None:
        if address in self._channels:
            self.outage.lost(_text(address), reason)
            self._look_now.set()

    # the map

    def _start(self) -> None:
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._keep_map())

    async def _keep_map(self) -> None:
        while True:
            self._look_now.clear()
            try:
                shards = await ask_for_map(self._links_up(), (*self._servers, *self._options.addresses), self._options)
            except StoreError as error:
                self._fail_early(str(error))
                self.outage.lost(self.topology, str(error))
            else:
                self._adopt(shards)
            await asyncio.sleep(LOOK_PAUSE_S * random.uniform(0.5, 1))  # noqa: S311 - nothing secret about a pause
            await self._look_again_after(LOOK_AWAY_S if self._is_incomplete() else LOOK_S)

    async def _look_again_after(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s * random.uniform(0.5, 1)):  # noqa: S311 - so that nodes are not in step
                await self._look_now.wait()
        except TimeoutError:
            pass

    def _is_incomplete(self) -> bool:
        return not self._has_map.is_set() or any(channel is None or channel.is_away for channel in set(self._by_slot))

    def _links_up(self) -> list[Link]:
        return [channel.link for channel in self._channels.values() if channel.link is not None]

    def _adopt(self, shards: Iterable[Shard]) -> None:
        """Go by a new map: leave who has no names any more, and send what has waited for the first one."""
        by_slot: list[Channel | None] = [None] * SLOTS
        shards = list(shards)
        for shard in shards:
            by_slot[shard.first : shard.last + 1] = [self._channel(shard.master)] * (shard.last + 1 - shard.first)
        self._by_slot = by_slot
        self._servers = servers_in(shards)
        for address in self._channels.keys() - {shard.master for shard in shards}:
            self._channels.pop(address).retire()
            self.outage.found(_text(address))
        for link in list(self._listeners):
            if link.address not in self._servers and link.address not in self._options.addresses:
                link.end("the server has left the Redis Cluster")
        self._failure = ""
        self._has_map.set()
        self.outage.found(self.topology)
        early, self._early = self._early, []
        for name, words, reply in early:
            self._send_now(name, words, reply)

    def _send_now(self, name: bytes, words: Words, reply: Reply) -> None:
        channel = self._by_slot[slot_of(name)]
        try:
            if channel is None:
                raise NotSent(NO_SERVER)
            channel.send(words, reply)
        except StoreError as error:
            fail(reply, error)

    def _fail_early(self, failure: str) -> None:
        if not self._has_map.is_set():
            self._failure = failure
        early, self._early = self._early, []
        for _name, _words, reply in early:
            fail(reply, NotSent(failure))


async def _ping(channel: Channel) -> str:
    try:
        async with asyncio.timeout(PING_S):
            await channel.call("PING")
    except StoreError as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {PING_S:g} s"
    return ""


def _text(address: Address) -> str:
    return f"{address[0]}:{address[1]}"
