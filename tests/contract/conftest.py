"""Servers that the contract suites share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.topologies import RedisCluster, SentinelSet, running_cluster, running_sentinels


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
