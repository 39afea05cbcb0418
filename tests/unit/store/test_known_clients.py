"""What is known of OAuth clients while the store is away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import cast

import pytest

from sluicegate.errors import StoreError
from sluicegate.store import known_clients
from sluicegate.store.known_clients import KnownClients
from sluicegate.store.reach import Reach


class Remote:
    """A store that is not in this process."""

    is_split = False

    def __init__(self) -> None:
        self.is_away, self.asked, self.is_asked = False, 0, asyncio.Event()

    async def get(self, name: str) -> bytes | None:
        self.asked += 1
        self.is_asked.set()
        await asyncio.sleep(0)
        if self.is_away:
            raise StoreError("away")
        return b"{}" if name == "oauth-data.a1.oauth-clientid.c1" else None

    async def mget(self, names: Sequence[str]) -> list[bytes | None]:
        return [await self.get(name) for name in names]


@pytest.fixture
def store() -> Remote:
    return Remote()


def known_over(store: Remote, stale_s: float) -> KnownClients:
    return KnownClients(store, Reach(store, 1.0), stale_s)  # type: ignore[arg-type]


async def exists(known: KnownClients, client_id: str) -> bool:
    found = known.exists("a1", client_id)
    return found if isinstance(found, bool) else await found


async def test_what_was_found_is_not_asked_for_again_within_a_second(store: Remote) -> None:
    known = known_over(store, 0)
    assert [await exists(known, name) for name in ("c1", "c2", "c1", "c2")] == [True, False, True, False]
    assert store.asked == 2


async def test_one_that_was_told_of_is_asked_for_anew(store: Remote) -> None:
    known = known_over(store, 60)
    await exists(known, "c1")
    known.told("oauth-data.a1.oauth-clientid.c9")
    assert await exists(known, "c1") and store.asked == 1
    known.told("oauth-data.a1.oauth-clientid.c1")
    assert await exists(known, "c1") and store.asked == 2
    known.told("oauth-data.a1.oauth-clientid.c1")
    store.is_away = True
    assert await exists(known, "c1"), "while the store is away, what it said last counts"


async def test_an_answer_that_was_on_its_way_meanwhile_is_not_kept(store: Remote) -> None:
    known = known_over(store, 0)
    asking = asyncio.ensure_future(cast("Coroutine[None, None, bool]", known.exists("a1", "c1")))
    await store.is_asked.wait()
    known.told("oauth-data.a1.oauth-clientid.c1")
    assert await asking
    assert await exists(known, "c1") and store.asked == 2


async def test_the_last_answer_counts_while_there_is_no_other(store: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_over(store, 60)
    assert await exists(known, "c1") and not await exists(known, "c2")
    store.is_away = True
    monkeypatch.setattr(known_clients, "KEPT_S", 0.0)
    assert await exists(known, "c1") and not await exists(known, "c2")
    with pytest.raises(StoreError):
        await exists(known, "c3")


async def test_a_store_that_is_away_is_not_asked_by_each_request(
    store: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = known_over(store, 60)
    monkeypatch.setattr(known_clients, "KEPT_S", 0.0)
    await exists(known, "c1")
    store.is_away = True
    await exists(known, "c1")
    monkeypatch.setattr(known_clients, "KEPT_S", 60.0)
    asked = store.asked
    assert await exists(known, "c1") and store.asked == asked


async def test_not_for_ever(store: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_over(store, 0)
    await exists(known, "c1")
    store.is_away = True
    monkeypatch.setattr(known_clients, "KEPT_S", 0.0)
    with pytest.raises(StoreError):
        await exists(known, "c1")


async def test_only_so_many_are_kept(store: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_clients, "MOST_KEPT", 4)
    known = known_over(store, 0)
    for number in range(20):
        await exists(known, str(number))
    assert len(known._known) <= 4
