"""Connections on which nothing comes are probed, whichever side they lead to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest
import uvloop

from sluicegate.listener.listener import bound_socket
from sluicegate.upstream.keepalive import IDLE_S
from sluicegate.upstream.pool import Pool, PoolCounts, PoolLimits
from sluicegate.upstream.resolve import Resolver
from sluicegate.upstream.target import parse_target


def idle_s(sock: socket.socket) -> int:
    """Return after how many seconds of silence a socket is probed; 0: never."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) and sock.getsockopt(
        socket.IPPROTO_TCP, socket.TCP_KEEPIDLE
    )


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_those_to_targets(make_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def connect() -> int:
        target = parse_target(f"http://127.0.0.1:{listening.getsockname()[1]}")
        pool = Pool(target, Resolver(), PoolLimits(1, 1, 1, 1), PoolCounts(), set())
        peer = await pool.connect(5)
        found = idle_s(peer.transport.get_extra_info("socket"))
        peer.abort()
        return found

    with socket.create_server(("127.0.0.1", 0)) as listening, asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(connect()) == IDLE_S


def test_those_of_clients() -> None:
    with bound_socket("127.0.0.1", 0) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()):
            listening.setblocking(True)
            accepted, _ = listening.accept()
            with accepted:
                assert idle_s(accepted) == IDLE_S
