"""The shared documents over every store: one step, one number, nothing torn."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from tests.shelves import put, remove

from sluicegate.cluster import documents as module
from sluicegate.cluster.digest import digest_of, digest_text
from sluicegate.cluster.document import API, Content, Envelope, Key, content_of
from sluicegate.cluster.documents import STATE, Documents, Origin
from sluicegate.cluster.errors import Conflict, LockLost
from sluicegate.cluster.lock import Lock
from sluicegate.cluster.past import past_of
from sluicegate.cluster.writer import Writer
from sluicegate.errors import ConfigError
from sluicegate.store import names

A, B = Key(API, "a"), Key(API, "b")


async def accept_all(_changes):
    """Find nothing wrong."""


def writer_of(documents: Documents, told=None) -> Writer:
    async def tell(state):
        if told is not None:
            told.append(state.generation)

    return Writer(documents, Lock(documents.shelf), tell)


async def write(documents, *changes, expected=None, author="me"):
    async def prepare(_state):
        return changes

    return await writer_of(documents).commit(prepare, author, expected=expected)


async def texts(documents):
    found = await documents.fetch(list(await documents.index()))
    return {key.id: content_of(one.content, key).classic.decode() for key, one in found.items()}


async def test_a_commit_is_one_generation_with_all_its_documents(documents):
    assert (await documents.state()).generation == 0
    state = await write(documents, put("a"), put("b", "[]"))
    assert (state.generation, state.documents) == (1, 2)
    assert await documents.state() == state
    index = await documents.index()
    assert {entry.generation for entry in index.values()} == {1}
    assert state.digest == digest_text(digest_of(index))
    assert await texts(documents) == {"a": "{}", "b": "[]"}
    state = await write(documents, remove("a"), put("b", "{}"))
    assert (state.generation, state.documents) == (2, 1)
    assert state.digest == digest_text(digest_of(await documents.index()))
    assert await documents.fetch([A]) == {A: None}


async def test_what_changes_nothing_makes_no_generation(documents):
    await write(documents, put("a"))
    assert (await write(documents, put("a"), remove("b"))).generation == 1


async def test_an_author_who_went_by_something_old_is_told(documents):
    await write(documents, put("a"))
    for change in (put("a", "1", expected=0), put("a", "1", expected=7), put("b", "1", expected=1)):
        with pytest.raises(Conflict) as told:
            await write(documents, change, put("c"))
        assert told.value.key == change.key
    with pytest.raises(Conflict, match="the configuration is of generation 1, expected was generation 5"):
        await write(documents, put("a", "1"), expected=5)
    assert await texts(documents) == {"a": "{}"}
    await write(documents, put("a", "1", expected=1), put("b", "1", expected=0), expected=1)
    assert await texts(documents) == {"a": "1", "b": "1"}


async def test_who_lost_the_lock_cannot_commit(documents):
    async with Lock(documents.shelf).held() as token:
        await documents.commit([put("a")], Origin("early", token))
    async with Lock(documents.shelf).held():
        with pytest.raises(LockLost):
            await documents.commit([put("a", "late")], Origin("early", token))
    assert await texts(documents) == {"a": "{}"}


async def test_a_commit_under_a_changed_state_is_a_conflict(documents, monkeypatch):
    await write(documents, put("a"))
    raw = (await documents.shelf.get(STATE[0], [STATE[1]]))[0]
    old = await documents.state()
    await write(documents, put("a", "1"))

    async def stale(_self):
        return old, raw

    monkeypatch.setattr(Documents, "_read_state", stale)
    async with Lock(documents.shelf).held() as token:
        with pytest.raises(Conflict):
            await documents.commit([put("a", "2")], Origin("me", token))
    assert await texts(documents) == {"a": "1"}


async def test_history_says_who_changed_what_and_leads_back(documents):
    await write(documents, put("a", "1"), author="ann")
    await write(documents, put("a", "2"), put("b", "1"), author="bob")
    await write(documents, remove("a"), author="cid")
    heads = await documents.heads([1, 2, 3, 4])
    assert [head.author for head in heads[:3]] == ["ann", "bob", "cid"]
    assert heads[3] is None
    assert [(one.id, one.action) for one in heads[1].changes] == [("a", "modified"), ("b", "added")]
    state = await documents.state()
    assert await documents.changed_since(1, state) == {A, B}
    assert await documents.changed_since(3, state) == set()
    assert set(await past_of(documents, state, 2)) == {A}
    state = await writer_of(documents).roll_back(1, "dot", accept_all)
    assert state.generation == 4
    assert await texts(documents) == {"a": "1"}
    assert (await documents.heads([4]))[0].note == "rollback to 1"
    await writer_of(documents).roll_back(0, "dot", accept_all)
    assert await texts(documents) == {}
    with pytest.raises(ConfigError, match="history holds generations 0 to 5"):
        await writer_of(documents).roll_back(6, "dot", accept_all)


async def test_history_keeps_to_its_bounds(documents, monkeypatch):
    monkeypatch.setattr("sluicegate.cluster.history.MOST_GENERATIONS", 3)
    for number in range(6):
        state = await write(documents, put("a", str(number)))
    assert (state.generation, state.oldest) == (6, 4)
    assert [head is not None for head in await documents.heads(range(1, 7))] == [False] * 3 + [True] * 3
    assert await documents.changed_since(2, state) is None
    assert await documents.changed_since(3, state) == {A}
    with pytest.raises(ConfigError, match="history holds generations 3 to 6"):
        await writer_of(documents).roll_back(2, "me", accept_all)
    monkeypatch.setattr("sluicegate.cluster.history.MOST_PAST_BYTES", 100)
    state = await write(documents, put("a", "x"))
    assert state.oldest == 7 or state.past_bytes <= 100
    await writer_of(documents).roll_back(6, "me", accept_all)
    assert await texts(documents) == {"a": "5"}


async def test_torn_foreign_and_newer_documents_are_refused_by_name(documents):
    await write(documents, put("a"), put("b"), put("c"), put("d"))
    raw = (await documents.shelf.get(names.CLUSTER_DOCUMENTS, ["api/a"]))[0]
    newer = msgspec.msgpack.encode([2, 1, b"", {"anything": 1}])
    fields = {"api/a": raw[:-3], "api/b": b"\xc1garbage", "api/c": newer, "api/d": raw[:-1] + b"\x01"}
    await documents.shelf.change({}, {(names.CLUSTER_DOCUMENTS, field): value for field, value in fields.items()})
    found = await documents.fetch([A, B, Key(API, "c"), Key(API, "d")])
    assert all(isinstance(one, ConfigError) for one in found.values())
    assert "api/c" in str(found[Key(API, "c")])
    assert "newer version (format 2, known 1)" in str(found[Key(API, "c")])
    assert "torn" in str(found[Key(API, "d")])
    await write(documents, put("a", "1"))
    assert isinstance((await documents.fetch([A]))[A], Envelope)


async def test_nothing_is_written_over_a_newer_versions_state(documents):
    await documents.shelf.change({}, {STATE: msgspec.msgpack.encode([2, "x", 5, "0", 0, 0.0, 1, 0])})
    with pytest.raises(ConfigError, match="newer version"):
        await write(documents, put("a"))


async def test_what_must_not_be_stored_is_refused(documents, monkeypatch):
    monkeypatch.setattr("sluicegate.cluster.document.LARGEST_DOCUMENT_BYTES", 100)
    monkeypatch.setattr(module, "LARGEST_COMMIT_BYTES", 150)
    monkeypatch.setattr(module, "MOST_DOCUMENTS", 3)
    wrong = [
        [put("a", "x" * 200)],
        [put("a", "x" * 80), put("b", "x" * 80)],
        [put("")],
        [put("x" * 300)],
        [put("a"), remove("a")],
        [put(str(number)) for number in range(4)],
        [module.Change(Key("thing", "x"), Content("thing", "x", b""))],
    ]
    for changes in wrong:
        with pytest.raises(ConfigError):
            await write(documents, *changes)
    assert (await documents.state()).generation == 0


async def test_writers_at_once_lose_nothing(documents):
    async def add(number):
        await write(documents, put(str(number)), author=str(number))

    await asyncio.gather(*(add(number) for number in range(20)))
    state = await documents.state()
    assert (state.generation, state.documents) == (20, 20)
    heads = await documents.heads(range(1, 21))
    assert sorted(int(head.author) for head in heads) == list(range(20))
    assert [head.token for head in heads] == sorted(head.token for head in heads)
