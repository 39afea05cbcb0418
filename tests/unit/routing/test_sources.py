"""Reading definitions and policies beside requests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from sluicegate.routing import slices
from sluicegate.routing.sources import read_all, sources_of
from sluicegate.settings.model import Settings

POLICIES = 20


async def test_others_have_their_turn_while_policies_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(POLICIES):
        (tmp_path / f"{number}.json").write_text(f'{{"id": "{number}"}}')
    settings = Settings()
    sources = sources_of(replace(settings, policies=replace(settings.policies, policy_path=str(tmp_path))))
    monkeypatch.setattr(slices, "SLICE_S", 0.0)
    reading = asyncio.create_task(read_all(sources))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > POLICIES
    first = (await reading).policies
    second = (await read_all(sources)).policies
    assert first is not None and second is not None and len(first) == POLICIES
    assert all(second[one] is policy for one, policy in first.items())  # to compare them takes no time
