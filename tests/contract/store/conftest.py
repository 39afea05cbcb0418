"""The stores that the suites run over, and the event loops they run on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
import uvloop
from tests.topologies import TOPOLOGIES, options_for

from sluicegate.store.redis import RedisBackend

ON_BOTH_LOOPS = ("test_backend.py",)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run on uvloop, as the gateway does, and on Python's own loop, which it does without uvloop."""
    if item.path.name in ON_BOTH_LOOPS:
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(params=TOPOLOGIES)
async def any_redis(request: Any) -> AsyncIterator[RedisBackend]:
    """A store over each kind of Redis."""
    made = RedisBackend(options_for(request.param, request))
    yield made
    await made.close()
