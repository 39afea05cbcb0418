"""The stores that the suites run over, and the event loops they run on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import pytest
import uvloop
from tests.topologies import TOPOLOGIES, RedisCluster, SentinelSet, options_for, running_cluster, running_sentinels

from sluicegate.store.redis import RedisBackend

ON_BOTH_LOOPS = ("test_backend.py",)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on uvloop, as the gateway does, and on Python's own loop, which it does without uvloop."""
    if item.path.name in ON_BOTH_LOOPS:
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(scope="session")
def _sentinels_of_this_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelSet]:
    with running_sentinels(tmp_path_factory.mktemp("sentinels")) as servers:
        yield servers


@pytest.fixture(scope="session")
def _cluster_of_this_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as servers:
        yield servers


@pytest.fixture
def sentinels(_sentinels_of_this_process: SentinelSet) -> SentinelSet:
    """A master with Sentinels, with nothing in it; as with `redis_server`, the tests of one process share it."""
    _sentinels_of_this_process.master().empty()
    return _sentinels_of_this_process


@pytest.fixture
def cluster(_cluster_of_this_process: RedisCluster) -> RedisCluster:
    """A Redis Cluster with nothing in it, shared likewise."""
    for master in _cluster_of_this_process.masters():
        master.empty()
    return _cluster_of_this_process


@pytest.fixture(params=TOPOLOGIES)
async def any_redis(request: Any) -> AsyncIterator[RedisBackend]:
    """A store over each kind of Redis."""
    made = RedisBackend(options_for(request.param, request))
    yield made
    await made.close()
