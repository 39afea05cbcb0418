"""Stored responses in memory; and which store takes them."""

from sluicegate.store import cache as cache_module
from sluicegate.store.cache import MemoryCache, StoredCache, make_cache
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.reach import Reach
from sluicegate.store.redis import RedisBackend
from sluicegate.store.redis.options import RedisOptions


def test_what_was_stored_is_there_until_its_time(monkeypatch):
    moment = 100.0
    monkeypatch.setattr(cache_module, "ticks", lambda: moment)
    cache = MemoryCache()
    cache.set("a", b"1", 10)
    cache.set("a", b"2", 20)
    cache.set("endless", b"3", 0)
    moment = 119.9
    assert cache.get("a") == b"2"
    moment = 120.0
    assert cache.get("a") is None
    assert cache.get("endless") == b"3"
    assert cache.get("none") is None


async def test_a_prefix_is_forgotten():
    cache = MemoryCache()
    for name in ("cache-k1a", "cache-k1b", "cache-k2a"):
        cache.set(name, b"1", 10)
    assert await cache.delete_prefix("cache-k1") == 2
    assert cache.get("cache-k1a") is None
    assert cache.get("cache-k2a") == b"1"


def test_room_is_bounded_and_the_least_used_goes_first():
    cache = MemoryCache(room_bytes=20_000)
    for number in range(10):
        cache.set(f"{number}", b"x" * 1500, 10)
        assert cache.get("0") is not None
    for number in range(10, 20):
        cache.set(f"{number}", b"x" * 1500, 10)
        assert cache.get("0") is not None
        assert cache._used_bytes <= 20_000
    assert cache.get("1") is None
    assert cache.get("19") is not None
    cache.set("19", b"x" * 5000, 10)  # too large to be worth it, and what was there is old
    assert cache.get("19") is None


async def test_redis_keeps_responses_for_all_nodes(redis_server):
    backend = RedisBackend(RedisOptions((("127.0.0.1", redis_server.port),)))
    cache = make_cache(backend, Reach(backend, 20.0))
    assert isinstance(cache, StoredCache)
    await cache.set("cache-k1a", b"1", 100)
    assert await cache.get("cache-k1a") == b"1"
    assert 90 < int(redis_server.command("TTL", "cache-k1a")) <= 100
    assert await cache.delete_prefix("cache-k1") == 1
    assert await cache.get("cache-k1a") is None
    await backend.close()
    embedded = MemoryBackend()
    assert isinstance(make_cache(embedded, Reach(embedded, 20.0)), MemoryCache)
    await embedded.close()


async def test_what_was_forgotten_is_gone_and_counted() -> None:
    cache = MemoryCache()
    cache.set("cache-a1", b"value", 10)
    assert await cache.forget("cache-a") == 1
    assert (cache.get("cache-a1"), cache.clearings) == (None, 1)
