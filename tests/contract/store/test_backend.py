"""What every store does, over each of them."""

from __future__ import annotations

import asyncio

import pytest
from tests.topologies import TOPOLOGIES, options_for

from sluicegate.store.backend import MISSING, NO_EXPIRY, Backend, LocalBackend
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.redis import RedisBackend
from sluicegate.store.sqlite import SqliteBackend


@pytest.fixture(params=["memory", "sqlite", *TOPOLOGIES])
async def backend(request, tmp_path):
    made: Backend
    if request.param == "memory":
        made = MemoryBackend()
    elif request.param == "sqlite":
        made = SqliteBackend(tmp_path / "store.db")
    else:
        made = RedisBackend(options_for(request.param, request))
    yield made
    await made.close()


async def expired(backend: Backend, name: str) -> None:
    """Return when a value's time is over, however busy the machine is."""
    while await backend.exists(name):  # noqa: ASYNC110 - nobody tells when a time to live is over
        await asyncio.sleep(0.005)


async def test_a_value_is_what_was_written(backend):
    assert await backend.get("a") is None
    await backend.set("a", b"1")
    await backend.set("a", b"\x00\xff")
    assert await backend.get("a") == b"\x00\xff"
    assert await backend.mget(["b", "a"]) == [None, b"\x00\xff"]
    assert await backend.exists("a")
    if isinstance(backend, LocalBackend):
        assert backend.mget_now(["a", "b"]) == [b"\x00\xff", None]


async def test_any_bytes_make_a_name(backend):
    await backend.set("apikey-\udcff é\x00*", b"1")
    assert await backend.get("apikey-\udcff é\x00*") == b"1"
    assert await backend.scan("apikey-\udcff") == ["apikey-\udcff é\x00*"]


async def test_delete_counts_what_was_there(backend):
    await backend.set("a", b"1")
    await backend.list_append("l", b"1")
    assert await backend.delete("a", "l", "none") == 2
    assert await backend.delete("a") == 0
    assert await backend.list_items("l") == []
    assert await backend.delete() == 0


async def test_a_value_has_the_time_to_live_of_the_last_write(backend):
    await backend.set("a", b"1", ttl_s=100)
    assert 99 < await backend.ttl_s("a") <= 100
    await backend.set("a", b"1")
    assert await backend.ttl_s("a") == NO_EXPIRY
    assert await backend.ttl_s("none") == MISSING
    assert await backend.expire("a", 50)
    assert 49 < await backend.ttl_s("a") <= 50
    assert await backend.expire("a", 0)
    assert await backend.ttl_s("a") == NO_EXPIRY
    assert not await backend.expire("none", 50)


async def test_what_has_expired_is_gone(backend):
    await backend.set("a", b"1", ttl_s=0.02)
    await backend.list_append("l", b"1")
    await backend.expire("l", 0.02)
    await expired(backend, "a")
    await expired(backend, "l")
    assert await backend.get("a") is None
    assert await backend.scan("") == []
    assert await backend.list_items("l") == []
    assert await backend.add("a", b"2")
    await backend.list_append("l", b"2")
    assert await backend.list_items("l") == [b"2"]


async def test_add_writes_only_where_nothing_is(backend):
    assert await backend.add("a", b"1", ttl_s=100)
    assert not await backend.add("a", b"2")
    assert await backend.get("a") == b"1"
    assert await backend.ttl_s("a") > 99


async def test_of_all_who_have_read_the_same_one_may_write(backend):
    await backend.set("a", b"1", ttl_s=100)
    written = await asyncio.gather(*(backend.swap("a", b"1", b"%d" % one) for one in range(2, 22)))
    assert written.count(True) == 1
    assert await backend.get("a") == b"%d" % (2 + written.index(True))
    assert 99 < await backend.ttl_s("a") <= 100
    assert await backend.swap("a", await backend.get("a"), b"\0", ttl_s=1000)
    assert 999 < await backend.ttl_s("a") <= 1000
    assert await backend.swap("a", b"\0", b"3", ttl_s=0)
    assert await backend.ttl_s("a") == NO_EXPIRY
    assert await backend.swap("a", b"3", b"4")
    assert await backend.ttl_s("a") == NO_EXPIRY


async def test_what_is_gone_is_not_written_again(backend):
    assert not await backend.swap("a", b"1", b"2")
    await backend.set("b", b"1", ttl_s=0.02)
    await expired(backend, "b")
    assert not await backend.swap("b", b"1", b"2", ttl_s=100)
    assert not await backend.exists("a")
    assert not await backend.exists("b")


async def test_a_value_is_taken_once(backend):
    await backend.set("a", b"1", ttl_s=100)
    taken = await asyncio.gather(*(backend.take("a") for _ in range(20)))
    assert [one for one in taken if one is not None] == [b"1"]
    assert not await backend.exists("a")
    await backend.set("b", b"2", ttl_s=0.02)
    await expired(backend, "b")
    assert await backend.take("b") is None


async def test_scan_finds_a_prefix_and_takes_it_literally(backend):
    for name in ("apikey-1", "apikey-2", "apikex", "apikez", "a*b", "axb"):
        await backend.set(name, b"")
    assert sorted(await backend.scan("apikey-")) == ["apikey-1", "apikey-2"]
    assert await backend.scan("a*") == ["a*b"]
    assert len(await backend.scan("")) == 6
    assert sorted(await backend.scan("a", "x")) == ["apikex", "axb"]
    assert await backend.scan("a", "*") == ["a*b"]
    assert sorted(await backend.scan("apikex", "x")) == []
    assert await backend.delete_prefix("apikey-") == 2
    assert await backend.delete_prefix("apikey-") == 0


async def test_lists_keep_order_and_duplicates(backend):
    await backend.list_append("l", b"1", b"2")
    await backend.list_append("l", b"1")
    assert await backend.list_items("l") == [b"1", b"2", b"1"]
    assert await backend.list_remove("l", b"1") == 2
    assert await backend.list_remove("l", b"2") == 1
    assert not await backend.exists("l")


async def test_sets_hold_each_member_once(backend):
    await backend.set_add("s", b"1", b"2")
    await backend.set_add("s", b"2")
    assert sorted(await backend.set_members("s")) == [b"1", b"2"]
    await backend.set_remove("s", b"1", b"2", b"3")
    assert await backend.set_members("s") == []
    assert not await backend.exists("s")


async def test_sorted_sets_are_cut_by_score(backend):
    for member, score in ((b"c", 3.5), (b"a", 1), (b"b", 2)):
        await backend.sorted_add("z", member, score)
    await backend.sorted_add("z", b"a", 1.5)
    assert await backend.sorted_range("z", 1.5, 2) == [(b"a", 1.5), (b"b", 2)]
    assert await backend.sorted_remove("z", 0, 2) == 2
    assert await backend.sorted_range("z", float("-inf"), float("inf")) == [(b"c", 3.5)]


async def test_members_leave_sorted_sets_whatever_their_score(backend):
    for member in (b"a", b"b", b"c"):
        await backend.sorted_add("z", member, 7)
    assert await backend.sorted_discard("z", b"a", b"c", b"d") == 2
    assert await backend.sorted_range("z", 7, 7) == [(b"b", 7)]
    assert await backend.sorted_discard("z", b"b") == 1
    assert not await backend.exists("z")


async def test_messages_reach_all_listeners(backend):
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    backend.subscribe("news", heard.put_nowait)
    backend.subscribe("news", heard.put_nowait)
    while heard.empty():  # a listener over the network hears from the moment it is connected
        await backend.publish("news", b"first")
        await asyncio.sleep(0)
    while await heard.get() != b"last":
        if heard.empty():
            await backend.publish("news", b"last")
    assert await heard.get() == b"last"


async def test_health_says_that_it_is_there(backend):
    health = await backend.health()
    assert health.reachable
    assert health.kind in ("redis", "embedded")
    assert health.latency_s > 0
