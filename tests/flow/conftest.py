"""Fixtures that the flows share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gateway import Gateway
from tests.servers import RestartableRedis
from tests.upstreams import Upstream
from tests.wire import Wire


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """An upstream that answers everything; the tests of one module share it."""
    with Upstream() as one:
        yield one


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RestartableRedis]:
    """A redis-server of one test alone, which it may stop and start."""
    one = RestartableRedis(tmp_path)
    yield one
    one.stop()


@pytest.fixture
def client(gateway: Gateway) -> Iterator[Wire]:
    """A connection to the gateway that the module starts."""
    with gateway.raw() as one:
        yield one
