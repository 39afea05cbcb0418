"""Long work gives way to others, however many functions it is made of."""

from __future__ import annotations

import asyncio
import gc
from time import perf_counter

from sluicegate.routing.slices import SLICE_S, give_way, uncollected


def work() -> None:
    """Take a little more than a slice."""
    until = perf_counter() + SLICE_S
    while perf_counter() <= until:
        pass


async def turns_during(work_in_slices) -> int:
    """Return how many turns another task gets during some work."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await asyncio.sleep(0)
    turns = 0
    await work_in_slices
    task.cancel()
    return turns


async def test_long_work_gives_way_and_short_work_does_not() -> None:
    async def long() -> None:
        for _ in range(3):
            work()
            await give_way()

    async def short() -> None:
        work()
        await give_way()
        for _ in range(3):
            await give_way()

    assert await turns_during(long()) == 3
    assert await turns_during(short()) == 1


async def test_what_one_function_did_counts_for_the_next() -> None:
    async def first() -> None:
        await give_way()
        work()

    async def second() -> None:
        await first()
        await give_way()

    work()
    await give_way()
    assert await turns_during(second()) == 1


async def test_the_collector_is_kept_out_and_let_in_again() -> None:
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
