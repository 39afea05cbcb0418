"""How many replicas follow each master, as the masters themselves say: whether somebody could take over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from sluicegate.errors import StoreError
from sluicegate.store.backend import Master
from sluicegate.store.redis.channel import Channel
from sluicegate.store.redis.link import Refused

PATIENCE_S = 1.0


async def masters_of(channels: Iterable[Channel]) -> list[Master]:
    """Return the masters that answer, by address."""
    found = await asyncio.gather(*map(_ask, channels))
    return sorted((one for one in found if one is not None), key=lambda one: one.address)


async def _ask(channel: Channel) -> Master | None:
    """Return a master; None when it does not answer."""
    said: object = b""
    try:
        async with asyncio.timeout(PATIENCE_S):
            said = await channel.call("INFO", "replication")
    except Refused:  # this user must not ask
        pass
    except (StoreError, TimeoutError):
        return None
    link = channel.link
    if link is None:
        return None
    return Master(f"{link.address[0]}:{link.address[1]}", replicas_in(said), "role:slave" in _lines(said))


def replicas_in(answer: object) -> int | None:
    """Return how many replicas are online in what `INFO replication` says; None when it does not say it."""
    lines = _lines(answer)
    if not any(line.startswith("connected_slaves:") for line in lines):
        return None
    return sum(line.startswith("slave") and ",state=online," in line for line in lines)


def _lines(answer: object) -> list[str]:
    return answer.decode("utf-8", "replace").splitlines() if isinstance(answer, bytes) else []
