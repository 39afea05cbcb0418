"""Asking the servers of a Redis Cluster who has which names. The first good answer counts.

A few are asked at a time, since one that hangs must not keep us from those that don't.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

from sluicegate.errors import StoreError
from sluicegate.store.redis.link import Address, Link, open_link
from sluicegate.store.redis.options import RedisOptions
from sluicegate.store.redis.slots import Shard, read_shards

AT_A_TIME = 3


async def ask_for_map(links: Iterable[Link], addresses: Iterable[Address], options: RedisOptions) -> list[Shard]:
    """Return the map. Raises StoreError when nobody knows it.

    links:     connections that are up.
    addresses: servers that may be connected to as well.
    """
    up = {link.address: link for link in links}
    candidates = list(dict.fromkeys((*up, *addresses)))
    random.shuffle(candidates)
    trouble = ""
    try:
        async with asyncio.timeout(options.timeout_s):
            for start in range(0, len(candidates), AT_A_TIME):
                few = candidates[start : start + AT_A_TIME]
                try:
                    return await _first([_ask(up.get(address), address, options) for address in few])
                except StoreError as error:
                    trouble = str(error)
    except TimeoutError:
        trouble = trouble or f"no answer within {options.timeout_s:g} s"
    raise StoreError(f"no server of the Redis Cluster says who has what: {trouble}")


def servers_in(shards: Sequence[Shard]) -> tuple[Address, ...]:
    """Return all servers of a map, each once."""
    return tuple(dict.fromkeys(server for shard in shards for server in (shard.master, *shard.replicas)))


async def _ask(link: Link | None, address: Address, options: RedisOptions) -> list[Shard]:
    if link is not None:
        return _read(await link.call("CLUSTER", "SLOTS"), address)
    link = await open_link(address, options)
    try:
        return _read(await link.call("CLUSTER", "SLOTS"), address)
    finally:
        link.end("done")


def _read(answer: object, asked: Address) -> list[Shard]:
    try:
        shards = read_shards(answer, asked)
    except ValueError as error:
        raise StoreError(f"{asked[0]}:{asked[1]} has no map of the Redis Cluster: {error}") from error
    if not shards:
        raise StoreError(f"{asked[0]}:{asked[1]} belongs to no Redis Cluster yet")
    return shards


async def _first(asked: Iterable[Coroutine[Any, Any, list[Shard]]]) -> list[Shard]:
    """Return the first answer that is one; raises the last StoreError."""
    tasks = [asyncio.ensure_future(one) for one in asked]
    trouble: StoreError | None = None
    try:
        for answered in asyncio.as_completed(tasks):
            try:
                return await answered
            except StoreError as error:
                trouble = error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    raise trouble or StoreError("nobody was asked")
