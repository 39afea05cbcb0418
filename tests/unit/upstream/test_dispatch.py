"""Which targets a request is sent to (contract 06.5)."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from sluicegate.errors import UpstreamError, UpstreamFault
from sluicegate.upstream.dispatch import Dispatcher


class Dead:
    """A target to which there is no connection, and how often one was asked for."""

    def __init__(self, fault: UpstreamFault) -> None:
        self.fault, self.asked, self.pool = fault, 0, self

    async def connect(self, timeout_s: float) -> Any:
        self.asked += 1
        raise UpstreamError(self.fault, "dead", untouched=True)

    def take(self) -> None:
        """No connection waits."""

    def failed(self) -> None:
        """It is not ejected for it."""


@pytest.mark.parametrize(
    ("fault", "enforced_s", "asked"),
    [
        (UpstreamFault.CONNECT_TIMEOUT, 0.0, [1, 1]),
        (UpstreamFault.CONNECT_TIMEOUT, 60.0, [1, 0]),  # however soon: it had all the time that there is
        (UpstreamFault.REFUSED, 60.0, [1, 1]),
    ],
)
async def test_a_target_is_followed_by_another_while_there_is_time(fault, enforced_s, asked):
    targets = [Dead(fault), Dead(fault)]
    told: list[UpstreamError] = []
    upstream = SimpleNamespace(
        only=targets[0],
        timeout_s=60.0,
        pick_other=lambda _, tried: next((one for one in targets if one not in tried), None),
    )
    exchange = SimpleNamespace(timeout_s=enforced_s, route=SimpleNamespace(upstream=upstream), url=None)
    client = SimpleNamespace(exchange=exchange, on_upstream_error=told.append)
    dispatcher = Dispatcher(asyncio.get_running_loop())
    assert dispatcher.send(exchange, client) is None
    await asyncio.gather(*dispatcher.connecting)
    assert [target.asked for target in targets] == asked
    assert [error.fault for error in told] == [fault]
