"""New connections of a pool: what they count as while they are made, and how long that may take."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator

import pytest
from tests.wire import PATIENCE_S

from sluicegate.errors import UpstreamError, UpstreamFault
from sluicegate.upstream.pool import Pool, PoolCounts, PoolLimits
from sluicegate.upstream.resolve import Resolver
from sluicegate.upstream.target import Target, parse_target


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that shakes no hands over TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def target(port: int, scheme: str = "https") -> Target:
    made = parse_target(f"{scheme}://a.test:{port}")
    if scheme == "https":
        made.tls = ssl.create_default_context()
    return made


def pool_of(one: Target, *addresses: str) -> Pool:
    async def ask(host: str) -> list[str]:
        if not addresses:
            await asyncio.Event().wait()
        return list(addresses)

    return Pool(one, Resolver(ask=ask), PoolLimits(1, 1, 1, 1), PoolCounts(), set())


async def test_an_exchange_is_in_flight_while_its_connection_is_made(silent: int) -> None:
    one = target(silent)
    pool = pool_of(one, "127.0.0.1")
    connecting = asyncio.create_task(pool.connect(PATIENCE_S))
    await asyncio.sleep(0)
    assert pool.in_flight == 1
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert pool.in_flight == 0


async def test_a_name_that_nobody_tells_the_address_of_is_not_waited_for() -> None:
    one = target(80, "http")
    pool = pool_of(one)
    with pytest.raises(UpstreamError) as caught:
        await asyncio.wait_for(pool.connect(0.01), PATIENCE_S)
    assert (caught.value.fault, caught.value.untouched) == (UpstreamFault.CONNECT_TIMEOUT, True)
    assert (pool.in_flight, pool.counts.failed) == (0, 1)


async def test_an_address_that_is_dead_leaves_the_others_their_time() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with socket.create_server(("127.0.0.2", port), backlog=0) as full:
            waiting = [socket.socket() for _ in range(4)]
            for sock in waiting:
                sock.setblocking(False)
                sock.connect_ex(full.getsockname())
            one = target(port, "http")
            pool = pool_of(one, "127.0.0.2", "127.0.0.1")
            peer = await pool.connect(1)
            assert peer.transport.get_extra_info("peername")[0] == "127.0.0.1"
            assert pool.in_flight == 1
            peer.abort()
            for sock in waiting:
                sock.close()
