"""How long the road waits for the store."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

import pytest
import uvloop

from sluicegate.errors import StoreError
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.reach import Deadline, Reach

TIMEOUT_S = 0.1
LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop, uvloop.new_event_loop]


def be_busy(seconds: float) -> None:
    """Hold up the loop, as a thousand requests of one moment do."""
    time.sleep(seconds)


async def answer_on(end: socket.socket) -> bytes:
    """Wait for an answer that comes by a socket, and take two turns more to understand it."""
    said = await asyncio.get_running_loop().sock_recv(end, 10)
    for _ in range(2):
        await asyncio.sleep(0)
    return said


@pytest.mark.parametrize("make_loop", LOOPS)
def test_a_worker_that_was_busy_itself_does_not_blame_the_store(make_loop):
    async def ask() -> tuple[bytes, bool]:
        reach = Reach(MemoryBackend(), TIMEOUT_S)
        mine, theirs = socket.socketpair()
        with mine, theirs:
            mine.setblocking(False)
            asking = asyncio.ensure_future(reach.ask(answer_on(mine)))
            await asyncio.sleep(0)
            theirs.send(b"yes")
            be_busy(3 * TIMEOUT_S)
            return await asking, reach.is_hung

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(ask()) == (b"yes", False)


@pytest.mark.parametrize("make_loop", LOOPS)
def test_a_store_that_does_not_answer_is_hung_in_time(make_loop):
    async def ask() -> float:
        reach = Reach(MemoryBackend(), TIMEOUT_S)
        began = time.monotonic()
        with pytest.raises(StoreError, match="no answer within"):
            await reach.ask(asyncio.get_running_loop().create_future())
        assert reach.is_hung
        await reach.close()
        return time.monotonic() - began

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert TIMEOUT_S <= runner.run(ask()) < 10 * TIMEOUT_S


async def test_a_busy_worker_blames_a_hung_store_in_the_end():
    late: list[float] = []
    Deadline(TIMEOUT_S, lambda: late.append(time.monotonic()))
    ends = time.monotonic() + 20
    while not late and time.monotonic() < ends:
        be_busy(2 * TIMEOUT_S)
        await asyncio.sleep(0)
    assert late
