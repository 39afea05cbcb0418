"""Calls end, whatever becomes of the connection."""

from __future__ import annotations

import asyncio

import pytest

from sluicegate.errors import StoreError
from sluicegate.store.redis.channel import Channel
from sluicegate.store.redis.link import Link, open_link
from sluicegate.store.redis.options import RedisOptions


async def test_a_call_on_a_connection_that_is_never_made_ends_with_its_deadline() -> None:
    link = Link(0.02)
    with pytest.raises(StoreError, match=r"did not answer within 0\.02 s"):
        await link.call("PING")
    assert link.lost.done()
    with pytest.raises(StoreError):
        link.call("PING")


async def test_a_connection_that_is_made_too_late_is_given_up() -> None:
    link = Link(0.02)
    link.end("too late")
    aborted: list[bool] = []

    class Late(asyncio.Transport):
        def abort(self) -> None:
            aborted.append(True)

    link.connection_made(Late())
    assert aborted == [True]


async def test_calls_that_nobody_looks_at_are_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    link = Link(5)
    for _ in range(3):
        link.call("PING")
    link.end("gone")
    await asyncio.sleep(0)
    assert not caplog.records


async def test_a_call_ends_when_connecting_takes_too_long() -> None:
    """A server whose queue of new connections is full, and one that never says a word."""
    with_listener = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    options = RedisOptions((("127.0.0.1", with_listener.sockets[0].getsockname()[1]),), (("AUTH", "x"),), 0.05)
    channel = Channel(lambda: open_link(options.addresses[0], options))
    calls = [channel.call("PING") for _ in range(3)]
    for call in calls:
        with pytest.raises(StoreError, match=r"no answer within|did not answer within"):
            await call
    with pytest.raises(StoreError):
        channel.call("PING")
    await channel.close()
    with_listener.close()


async def test_a_channel_that_is_closed_while_it_connects_leaves_no_connection_behind() -> None:
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await reader.read()
        writer.close()
        ended.set()

    begun = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    options = RedisOptions((("127.0.0.1", server.sockets[0].getsockname()[1]),), (("AUTH", "x"),))
    channel = Channel(lambda: open_link(options.addresses[0], options))
    channel.start()
    await begun.wait()
    await channel.close()
    await ended.wait()
    server.close()
