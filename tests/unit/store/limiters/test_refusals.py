"""What the store refuses to count is said once for all workers, when it begins and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sluicegate.errors import StoreError
from sluicegate.store.limiters import refusals as module
from sluicegate.store.limiters.refusals import REASON_BYTES, Refusals
from sluicegate.store.redis.link import Refused


async def until(met: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not met():  # noqa: ASYNC110 - there are no events in memory that processes share
            await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0)


async def test_one_line_when_it_begins_and_one_when_it_ends() -> None:
    refusals, lines = Refusals(quiet_s=0.2), []
    watching = asyncio.create_task(
        refusals.watch(lambda level, message, **fields: lines.append((level, message, fields)), lambda _moment: False)
    )
    for _ in range(2):
        for _ in range(100):
            refusals.note(Refused("OOM command not allowed"))
            await asyncio.sleep(0)
        assert refusals.reason == "OOM command not allowed"
        await until(lambda: not refusals.reason)
        await until(lambda: len(lines) % 2 == 0)
    watching.cancel()
    assert [line[:2] for line in lines] == [
        ("error", "Redis refuses to count limits"),
        ("info", "Redis counts limits again"),
    ] * 2
    assert lines[0][2]["error"] == "OOM command not allowed"


async def test_of_a_store_that_is_away_nothing_is_said_here() -> None:
    refusals, asked, lines = Refusals(), [], []
    refusals.note(StoreError("the connection broke"))
    assert refusals.reason == ""
    refusals.note(Refused("LOADING"))

    def was_away_since(moment: float) -> bool:
        asked.append(moment)
        return True

    watching = asyncio.create_task(refusals.watch(lambda *line, **_: lines.append(line), was_away_since))
    await until(lambda: len(asked) == 3)
    watching.cancel()
    assert lines == []


def test_a_long_reason_is_cut_off_and_a_shorter_one_takes_its_place() -> None:
    refusals = Refusals()
    refusals.note(Refused("é" * REASON_BYTES))
    assert refusals.reason.startswith("éé")
    refusals.note(Refused("short"))
    assert refusals.reason == "short"
