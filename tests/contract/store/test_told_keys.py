"""Keys that another node says were written: read again at once, and gone by no longer than the store confirms it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.relay import Relay
from tests.servers import RestartableRedis

from sluicegate.apidef.policy import PolicyBook
from sluicegate.apidef.session import AccessDefinition, Session
from sluicegate.errors import StoreError
from sluicegate.settings.model import Settings
from sluicegate.store.keys import FoundKey, KeyStore
from sluicegate.store.redis import RedisBackend
from sluicegate.store.redis.options import RedisOptions
from sluicegate.store.shared_counters import SharedCounters

PATIENCE_S = 20.0
TOKEN, ORG = "defaultabc", "default"
SESSION = Session(rate=5, per=10, org_id=ORG, access_rights={"k1": AccessDefinition(api_id="k1", versions=["Default"])})


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RestartableRedis]:
    one = RestartableRedis(tmp_path)
    yield one
    one.stop()


@asynccontextmanager
async def key_store(port: int) -> AsyncIterator[KeyStore]:
    backend = RedisBackend(RedisOptions((("127.0.0.1", port),)))
    made = KeyStore(Settings(), backend, PolicyBook(), SharedCounters(None))
    await made.write(TOKEN, SESSION)
    yield made
    await made.close()
    await backend.close()


@pytest.fixture
async def keys(redis: RestartableRedis) -> AsyncIterator[KeyStore]:
    async with key_store(redis.port) as made:
        yield made


async def find(keys: KeyStore) -> FoundKey | None:
    found = keys.find(TOKEN, ORG)
    return await found if isinstance(found, Awaitable) else found


async def until(met: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def write_elsewhere(redis: RestartableRedis, *, rate: int) -> None:
    redis.server.command("SET", f"apikey-{TOKEN}", f'{{"org_id": "default", "rate": {rate}, "per": 10}}')


def questions(redis: RestartableRedis) -> int:
    """Return how often a value was asked for."""
    lines = redis.server.command("INFO", "commandstats").splitlines()
    return sum(int(line.partition("calls=")[2].partition(",")[0]) for line in lines if line.startswith("cmdstat_get:"))


async def test_a_key_of_which_a_message_told_is_gone_by_when_the_store_goes_before_it_was_read(keys, redis):
    assert (await find(keys)).session.rate == 5
    redis.stop()
    keys.told([TOKEN])
    assert (await find(keys)).session.rate == 5


async def test_a_key_that_was_deleted_elsewhere_is_not_gone_by_once_the_store_has_said_so(keys, redis):
    assert await find(keys) is not None
    redis.server.command("DEL", f"apikey-{TOKEN}")
    keys.told([TOKEN])
    await until(lambda: keys.known.find(TOKEN, ORG) is None)  # nobody has asked for it meanwhile
    redis.stop()
    with pytest.raises(StoreError):
        await find(keys)


async def test_a_key_that_was_changed_elsewhere_is_gone_by_as_it_is_now(keys, redis):
    assert await find(keys) is not None
    write_elsewhere(redis, rate=7)
    keys.told([TOKEN])
    await until(lambda: b'"rate": 7' in keys.known.find(TOKEN, ORG).data)
    redis.stop()
    assert (await find(keys)).session.rate == 7


async def test_a_key_that_could_not_be_read_again_is_when_the_store_is_back(keys, redis):
    assert await find(keys) is not None
    redis.stop()
    keys.told([TOKEN])
    assert await find(keys) is not None
    redis.start()  # empty
    await until(lambda: keys.known.find(TOKEN, ORG) is None)


async def test_a_key_that_was_being_read_when_a_message_told_of_it_is_read_again(redis):
    with Relay(redis.port) as relay:
        async with key_store(relay.port) as keys:
            relay.delay_s = 0.1
            asking = asyncio.ensure_future(find(keys))
            await until(lambda: questions(redis) == 1)
            redis.server.command("DEL", f"apikey-{TOKEN}")
            keys.told([TOKEN])
            assert await asking is not None, "the answer was on its way"
            await until(lambda: keys.known.find(TOKEN, ORG) is None)


async def test_a_key_that_was_written_here_is_not_gone_by_whatever_is_under_way(keys, redis):
    assert await find(keys) is not None
    keys.told([TOKEN])
    keys.changed([TOKEN])
    redis.stop()
    with pytest.raises(StoreError):
        await find(keys)


async def test_a_flood_of_messages_costs_few_questions(keys, redis):
    assert await find(keys) is not None
    for _ in range(30):
        for _ in range(100):
            keys.told([TOKEN])
        await asyncio.sleep(0.002)
    assert 1 <= questions(redis) <= 20


async def test_a_key_that_nobody_uses_is_not_read(keys, redis):
    keys.told([TOKEN, "other"])
    assert await find(keys) is not None
    assert questions(redis) == 1
