"""A port, from its opening to the end of its last connection."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sluicegate.listener import listener as listener_module
from sluicegate.listener.limits import limits_of
from sluicegate.listener.listener import ConnectionCounts, Listener
from sluicegate.listener.ports import Ports
from sluicegate.settings.model import Settings


async def test_a_port_that_was_left_keeps_nothing_going(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "SWEEP_S", 0.0)
    monkeypatch.setattr(listener_module, "LAST_ARRIVALS_S", 0.0)
    settings = Settings()
    serve = cast(Any, SimpleNamespace(services=SimpleNamespace(settings=settings)))
    ports = Ports()
    for port in (1, 2):
        ports[port] = Listener(
            asyncio.get_running_loop(),
            serve,
            limits_of(settings),
            ConnectionCounts(),
            address="127.0.0.1",
            port=0,
            control=None,
        )
        await ports[port].open()
    first, second = ports.values()
    ports.leave(1)
    async with asyncio.timeout(5):
        while first.sweeper is not None:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
    assert second.sweeper is not None
    ports.leave(2)
    assert ports.all == [second]
    second.close()
