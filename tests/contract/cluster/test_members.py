"""What nodes tell each other, over each kind of store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sluicegate.cluster.members import (
    DRAINING,
    FORGOTTEN_S,
    LATE_S,
    LOST,
    LOST_S,
    READY,
    STALE,
    Members,
    Report,
    StoreReport,
)
from sluicegate.store import names
from sluicegate.store.backend import Backend
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.redis import RedisBackend
from sluicegate.store.sqlite import SqliteBackend


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def store(request: Any, tmp_path: Path) -> AsyncIterator[Backend]:
    made: Backend
    if request.param == "redis":
        made = RedisBackend(request.getfixturevalue("redis_server").options)
    else:
        made = MemoryBackend() if request.param == "memory" else SqliteBackend(tmp_path / "store.db")
    yield made
    await made.close()


def node(name: str, state: str = READY) -> Report:
    return Report(name, "http://n", "v0", state, 1.0, 3, "d", 5.0, "", StoreReport(), 1, 0.5, 0.0, 0.0, 1.0, 2, ["a"])


async def states(members: Members) -> dict[str, str]:
    return {one.id: one.state for one in await members.all()}


async def test_who_is_there(store: Backend) -> None:
    members = Members(store)
    assert await members.all() == []
    await members.beat(node("b", DRAINING))
    await members.beat(node("ä / {a}"))
    first, second = await members.all()
    assert msgspec.structs.replace(first, seen_s=0.0) == node("b", DRAINING)
    assert (second.id, second.state, second.seen_s < 5) == ("ä / {a}", READY, True)
    await members.leave("b")
    assert await states(members) == {"ä / {a}": READY}


async def test_who_has_not_been_heard_of(store: Backend) -> None:
    members = Members(store)
    for name, age_s in (("a", 0), ("b", LATE_S + 1), ("c", LOST_S + 1)):
        await members.beat(node(name))
        await store.expire(names.heartbeat(name), FORGOTTEN_S - age_s)
    assert await states(members) == {"a": READY, "b": STALE, "c": LOST}
    await members.beat(node("c"))
    assert (await states(members))["c"] == READY


async def test_what_another_version_says_is_passed_over(store: Backend) -> None:
    members = Members(store)
    await members.beat(node("a"))
    await members.beat(node("b"))
    await store.set(names.heartbeat("b"), b"\x81\xa4what", FORGOTTEN_S)
    assert await states(members) == {"a": READY}
