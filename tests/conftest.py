"""Fixtures that every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.servers import RedisServer, running_redis

# A machine under load makes an example slow, not wrong.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def _redis_of_this_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_server(_redis_of_this_process: RedisServer) -> RedisServer:
    """A redis-server with nothing in it; the tests of one process share it, one after the other."""
    _redis_of_this_process.empty()
    return _redis_of_this_process
