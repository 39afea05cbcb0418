"""The master that Sentinels watch: finding it, and leaving it when it is the master no more.

Theory. Each Sentinel is asked, and what most of them say counts, so one that is cut off from the others leads nobody
astray. Whoever is then reached has to say itself that it is the master (ROLE), since Sentinels learn of a switch before
the servers do. Of a later switch a node hears at once (`+switch-master`); it asks again when it may have missed that,
and now and then. Connections to anybody else are then ended, and those who own them connect anew.

A former master that comes back takes writes until a Sentinel tells it, seconds later, and all of them are lost then.
So what was heard counts for some seconds, whatever most Sentinels say: they do not all know at once. Once it was told,
it refuses to be written to (READONLY), which ends a connection too (`servers`).

Source: the guidelines for Redis clients with support for Sentinel.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import replace

from sluicegate.clock import ticks
from sluicegate.errors import StoreError
from sluicegate.store.redis.link import Address, Link, Refused, open_link
from sluicegate.store.redis.listening import Listening
from sluicegate.store.redis.options import RedisOptions
from sluicegate.store.redis.outage import Outage
from sluicegate.store.redis.servers import OneServer

SWITCHED = "+switch-master"
ASK_AGAIN_S = 10.0
ALL_KNOW_S = 6.0
"""Sentinels tell each other every two seconds."""
SENTINEL_SHARE = 4
"""A Sentinel has a quarter of the time that a connection may take: others may have to be waited for, and the master."""


class Sentinels:
    """Those who know who the master is."""

    def __init__(self, options: RedisOptions) -> None:
        self._options = options
        self._ask_options = replace(
            options, greeting=options.sentinel_greeting, timeout_s=options.timeout_s / SENTINEL_SHARE
        )
        self._links: set[Link] = set()
        self._watched = 0
        self._watch = Listening(self._connect_watch)
        self._missed = asyncio.Event()
        self._heard: Address | None = None
        self._heard_until = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def connect(self) -> Link:
        """Make a connection to the master. Raises StoreError."""
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask_again())
            self._watch.add(SWITCHED, self._hear, self._missed.set)
        link = await open_link(await self.find_master(), self._options)
        try:
            role = (await link.call("ROLE"))[0]  # type: ignore[index]  # the answer is a list
        except Refused:  # this user must not ask
            role = b"master"
        if role != b"master" or self._is_former(link.address):
            link.end("not the master")
            raise StoreError(f"Redis at {link.address[0]}:{link.address[1]} is not the master (yet)")
        self._links.add(link)
        link.lost.add_done_callback(lambda _lost: self._links.discard(link))
        return link

    async def find_master(self) -> Address:
        """Return the address that most Sentinels give. Raises StoreError."""
        asked = [asyncio.ensure_future(self._ask(address)) for address in self._options.addresses]
        votes: Counter[Address] = Counter()
        trouble = ""
        try:
            for answered in asyncio.as_completed(asked):
                try:
                    master = await answered
                except StoreError as error:
                    trouble = str(error)
                    continue
                votes[master] += 1
                if votes[master] * 2 > len(asked):
                    break
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        if not votes:
            raise StoreError(f"no Sentinel knows the master {self._options.master_name}: {trouble}")
        return votes.most_common(1)[0][0]

    async def close(self) -> None:
        """Stop watching."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._watch.close()

    async def _ask(self, sentinel: Address) -> Address:
        link = await open_link(sentinel, self._ask_options)
        try:
            answer = await link.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._options.master_name)
        finally:
            link.end("done")
        if not isinstance(answer, list):
            raise StoreError(f"the Sentinel at {sentinel[0]}:{sentinel[1]} does not watch it")
        return answer[0].decode(), int(answer[1])

    async def _connect_watch(self) -> Link:
        """Watch the next Sentinel, in case the last one has gone."""
        self._watched += 1
        return await open_link(self._options.addresses[self._watched % len(self._options.addresses)], self._ask_options)

    def _hear(self, message: bytes) -> None:
        """A Sentinel tells of a switch: name, old host and port, new host and port."""
        words = message.decode("utf-8", "replace").split(" ")
        if len(words) == 5 and words[0] == self._options.master_name and words[4].isdigit():
            self._heard, self._heard_until = (words[3], int(words[4])), ticks() + ALL_KNOW_S
            self._leave_others(self._heard)

    def _is_former(self, address: Address) -> bool:
        """Return whether a switch to somebody else was heard of, so lately that not all Sentinels may know."""
        return address != self._heard and ticks() < self._heard_until

    async def _ask_again(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_AGAIN_S):
                    await self._missed.wait()
            self._missed.clear()
            with contextlib.suppress(StoreError):  # those who have a connection may keep it
                master = await self.find_master()
                if not self._is_former(master):
                    self._leave_others(master)

    def _leave_others(self, master: Address) -> None:
        for link in list(self._links):
            if link.address != master:
                link.end(f"the master is now {master[0]}:{master[1]}")


class SentinelServers(OneServer):
    """The master, whichever it is."""

    topology = "sentinel"

    def __init__(self, options: RedisOptions, outage: Outage) -> None:
        self._sentinels = Sentinels(options)
        super().__init__(self._sentinels.connect, outage)

    async def close(self) -> None:
        await super().close()
        await self._sentinels.close()
