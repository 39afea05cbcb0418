"""Records in a real Redis, as Tyk Pump finds them there (contract 05.4)."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from tests.fakes.exchange import settings_of
from tests.servers import RedisServer, free_port, running_redis
from tests.unit.analytics.exchanges import TOOK_S, over

from sluicegate.analytics.recorder import Recorder, make_recorder
from sluicegate.settings.storage import StorageOptions
from sluicegate.store.redis import RedisBackend
from sluicegate.store.redis.options import redis_options

LIST = "analytics-tyk-system-analytics"


class Counts(Counter[str]):
    def add(self, key: str, by: float) -> None:
        self[key] += int(by)


def recorder_for(port: int, counts: Counts, **config: object) -> tuple[Recorder, RedisBackend]:
    backend = RedisBackend(redis_options(StorageOptions(host="127.0.0.1", port=port, timeout=1)))
    settings = settings_of({"enable_analytics": True, "analytics_config": config})
    return make_recorder(settings, backend, counts.add), backend


async def lists_of(backend: RedisBackend) -> dict[str, list[bytes]]:
    return {name: await backend.list_items(name) for name in await backend.scan(LIST)}


async def test_records_are_appended_to_a_list_that_expires(redis_server: RedisServer) -> None:
    counts = Counts()
    recorder, backend = recorder_for(redis_server.port, counts)
    for number in range(3):
        recorder.record(over(f"/one/{number}"), *TOOK_S)
    await recorder.close()
    records = (await lists_of(backend))[LIST]
    assert [msgspec.msgpack.decode(record)["Path"] for record in records] == ["/0", "/1", "/2"]
    assert 50 < await backend.ttl_s(LIST) <= 60
    assert counts == {"records_written": 3}
    await backend.close()


async def test_ten_lists_without_expiry(redis_server: RedisServer) -> None:
    recorder, backend = recorder_for(
        redis_server.port, Counts(), enable_multiple_analytics_keys=True, storage_expiration_time=-1
    )
    recorder.record(over(), *TOOK_S)
    await recorder.close()
    ((name, records),) = (await lists_of(backend)).items()
    assert name[:-1] == f"{LIST}_" and name[-1].isdigit() and len(records) == 1
    assert await backend.ttl_s(name) == -1
    await backend.close()


async def test_records_wait_while_the_store_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluicegate.analytics.sinks.redis_list.RETRY_S", 0.01)
    monkeypatch.setattr("sluicegate.analytics.sinks.redis_list.LEAST_ROOM", 0)
    port, counts = free_port(), Counts()
    recorder, backend = recorder_for(port, counts, records_buffer_size=2)
    running = asyncio.create_task(recorder.run())
    for number in range(3):
        recorder.record(over(f"/one/{number}"), *TOOK_S)
    recorder._work_off_slice()
    with running_redis(tmp_path, port=port):
        while not counts["records_written"]:  # noqa: ASYNC110 - whoever counts has no event for it
            await asyncio.sleep(0.01)
        records = (await lists_of(backend))[LIST]
    running.cancel()
    await recorder.close()
    assert [msgspec.msgpack.decode(record)["Path"] for record in records] == ["/1", "/2"]
    assert counts["records_dropped"] == 1
    await backend.close()
