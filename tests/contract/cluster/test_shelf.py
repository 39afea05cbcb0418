"""Maps that change as one, and a lock, over every store."""

from __future__ import annotations

import asyncio

from tests.shelves import opened

FENCE = ("{t}.state", "fence")


async def everything(shelf, name):
    found = {}
    async for some in shelf.items(name):
        found.update(some)
    return found


async def test_a_change_writes_several_maps_in_one_step(shelf):
    assert await shelf.change({}, {("{t}.a", "x"): b"1", ("{t}.b", "\udcff é"): b"\x00\xff"})
    assert await shelf.get("{t}.a", ["x", "y"]) == [b"1", None]
    assert await everything(shelf, "{t}.b") == {"\udcff é": b"\x00\xff"}
    assert await shelf.change({}, {("{t}.a", "x"): None, ("{t}.a", "y"): b""})
    assert await everything(shelf, "{t}.a") == {"y": b""}


async def test_a_change_is_done_only_if_all_is_as_expected(shelf):
    await shelf.change({}, {("{t}.a", "x"): b"1"})
    for wrong in ({("{t}.a", "x"): b"2"}, {("{t}.a", "x"): None}, {("{t}.a", "y"): b"1"}):
        assert not await shelf.change({("{t}.a", "x"): b"1", **wrong}, {("{t}.a", "x"): b"3"})
    assert await shelf.get("{t}.a", ["x"]) == [b"1"]
    assert await shelf.change({("{t}.a", "x"): b"1", ("{t}.a", "y"): None}, {("{t}.a", "x"): b"3"})


async def test_items_come_whole_from_a_map_of_any_size(shelf):
    fields = {f"field-{number}": b"%d" % number for number in range(1500)}
    await shelf.change({}, {("{t}.a", field): value for field, value in fields.items()} | {("{t}.ab", "x"): b"1"})
    assert await everything(shelf, "{t}.a") == fields
    assert await everything(shelf, "{t}.none") == {}
    assert await shelf.get("{t}.a", list(fields)) == list(fields.values())


async def test_a_lock_has_one_holder_and_its_tokens_grow(shelf):
    assert await shelf.take_lock("{t}.lock", "a", 100, FENCE) == 1
    assert await shelf.take_lock("{t}.lock", "b", 100, FENCE) == 0
    assert await shelf.keep_lock("{t}.lock", "a", 100)
    assert not await shelf.keep_lock("{t}.lock", "b", 0)
    assert await shelf.keep_lock("{t}.lock", "a", 0)
    assert await shelf.take_lock("{t}.lock", "b", 100, FENCE) == 2
    assert await shelf.get(*FENCE[:1], [FENCE[1]]) == [b"2"]


async def test_a_lock_that_nobody_renews_ends(shelf):
    assert await shelf.take_lock("{t}.lock", "a", 0.02, FENCE) == 1
    while not await shelf.take_lock("{t}.lock", "b", 100, FENCE):  # noqa: ASYNC110 - nobody tells when a lease ends
        await asyncio.sleep(0.005)
    assert not await shelf.keep_lock("{t}.lock", "a", 100)


async def test_a_lock_ends_in_time_though_the_clock_of_the_store_was_put_back(shelf):
    assert (
        await shelf.take_lock("{t}.lock", "a", 3600, FENCE) == 1
    )  # as it looks when the clock was put back by an hour
    assert await shelf.take_lock("{t}.lock", "b", 10, FENCE) == 2
    assert not await shelf.keep_lock("{t}.lock", "a", 10)
    assert await shelf.take_lock("{t}.lock", "c", 10, FENCE) == 0


async def test_a_lock_that_would_never_end_is_free(redis_server, tmp_path):
    async with opened("single", tmp_path, redis_server.options) as shelf:
        for what in (("SET", "{t}.lock", "somebody"), ("HSET", "{t}.lock", "a", "b")):
            redis_server.command("DEL", "{t}.lock")
            redis_server.command(*what)
            assert await shelf.take_lock("{t}.lock", "a", 100, FENCE)
            assert await shelf.take_lock("{t}.lock", "b", 100, FENCE) == 0
