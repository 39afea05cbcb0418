"""Following the shared documents, over every store."""

from __future__ import annotations

import asyncio

import pytest
from tests.contract.cluster.test_documents import accept_all, write, writer_of
from tests.shelves import put, remove

from sluicegate.cluster.document import API, Key, content_of
from sluicegate.cluster.documents import STATE, Documents
from sluicegate.cluster.follow import Follower
from sluicegate.cluster.snapshot import Snapshot
from sluicegate.errors import ConfigError, StoreError
from sluicegate.store import names


class Held:
    """What a node serves: texts by id; `bad` is not taken."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.steps = 0

    async def take_over(self, changed):
        self.steps += 1
        refused = {}
        for key, envelope in changed.items():
            text = content_of(envelope.content, key).classic.decode() if envelope is not None else None
            if text == "bad":
                refused[key] = ConfigError(str(key), "is bad")
            elif text is None:
                self.texts.pop(key.id, None)
            else:
                self.texts[key.id] = text
        return refused


@pytest.fixture
def held():
    return Held()


@pytest.fixture
def said():
    return []


@pytest.fixture
def follower(documents, held, said):
    return make(documents, held, said)


def make(documents, held, said, snapshot=None):
    made = Follower(documents, held.take_over, lambda *line, **_: said.append(line), 100, snapshot)
    made.saves = True
    return made


async def test_it_takes_over_all_and_then_what_changed(documents, follower, held):
    await write(documents, put("a", "1"), put("b", "1"))
    await follower.sync()
    assert held.texts == {"a": "1", "b": "1"}
    await write(documents, put("a", "2"))
    await write(documents, remove("b"), put("c", "1"))
    await follower.sync()
    assert held.texts == {"a": "2", "c": "1"}
    assert (follower.generation, follower.digest) == (3, (await documents.state()).digest)
    steps = held.steps
    await follower.sync()
    assert held.steps == steps


async def test_a_hint_is_enough(documents, follower, held):
    running = asyncio.create_task(follower.run())
    await write(documents, put("a", "1"))
    follower.hint()
    async with asyncio.timeout(20):
        while held.texts != {"a": "1"}:  # noqa: ASYNC110 - the follower tells nobody
            await asyncio.sleep(0.005)
    running.cancel()


async def test_what_is_refused_leaves_in_force_what_was(documents, follower, held):
    await write(documents, put("a", "1"), put("b", "1"))
    await follower.sync()
    await write(documents, put("a", "bad"), put("b", "2"))
    await follower.sync()
    assert held.texts == {"a": "1", "b": "2"}
    assert {str(key): str(error) for key, error in follower.refused.items()} == {"api/a": "api/a: is bad"}
    assert follower.generation == 2
    assert follower.digest != (await documents.state()).digest
    steps = held.steps
    await follower.sync()
    assert held.steps == steps, "it is not read again and again"
    await write(documents, put("a", "3"))
    await follower.sync()
    assert held.texts["a"] == "3"
    assert not follower.refused
    assert follower.digest == (await documents.state()).digest


async def test_garbage_in_the_store_leaves_in_force_what_was(documents, follower, held):
    await write(documents, put("a", "1"), put("b", "1"))
    await follower.sync()
    await write(documents, put("a", "2"), put("b", "2"))
    await documents.shelf.change({}, {(names.CLUSTER_DOCUMENTS, "api/a"): b"\xc1"})
    await follower.sync()
    assert held.texts == {"a": "1", "b": "2"}
    assert "cannot be read" in str(follower.refused[Key(API, "a")])


async def test_drift_is_seen_by_the_digest(documents, follower, held):
    await write(documents, put("a", "1"), put("b", "1"))
    await follower.sync()
    follower._note_read(Key(API, "a"), None)
    held.texts.clear()
    await follower.sync()
    assert held.texts == {"a": "1"}


async def test_a_hole_in_history_is_bridged_by_comparing_all(documents, follower, held):
    await write(documents, put("a", "1"))
    await follower.sync()
    for number in range(5):
        await write(documents, put(f"x{number}", "1"))
    await documents.shelf.change({}, {(names.CLUSTER_HISTORY, "3"): None})
    await follower.sync()
    assert len(held.texts) == 6


async def test_an_emptied_store_changes_nothing(documents, follower, held, said):
    await write(documents, put("a", "1"))
    await follower.sync()
    await documents.shelf.change({}, {STATE: None})
    await follower.look()
    assert held.texts == {"a": "1"}
    assert "no shared configuration any more" in follower.problem
    await follower.look()
    assert len(said) == 1, "said once"
    gone = (names.CLUSTER_INDEX, names.CLUSTER_DOCUMENTS)
    await documents.shelf.change({}, {(name, "api/a"): None for name in gone})
    await write(documents, put("b", "1"))
    await follower.sync()
    assert held.texts == {"b": "1"}, "another configuration is the truth, once there is one"
    assert follower.problem == ""


async def test_a_store_that_went_back_is_followed(documents, follower, held, said):
    await write(documents, put("a", "1"))
    first = await documents.shelf.get(STATE[0], [STATE[1]])
    index = await documents.shelf.get(names.CLUSTER_INDEX, ["api/a"])
    document = await documents.shelf.get(names.CLUSTER_DOCUMENTS, ["api/a"])
    await write(documents, put("a", "2"))
    await follower.sync()
    back = {STATE: first[0], (names.CLUSTER_INDEX, "api/a"): index[0], (names.CLUSTER_DOCUMENTS, "api/a"): document[0]}
    await documents.shelf.change({}, back)
    await follower.sync()
    assert held.texts == {"a": "1"}
    assert any("went back" in line[1] for line in said)


async def test_documents_that_are_not_what_the_digest_says_are_named(documents, follower):
    await write(documents, put("a", "1"), put("b", "1"))
    await documents.shelf.change({}, {(names.CLUSTER_INDEX, "api/a"): None})
    await follower.look()
    assert "not what their digest says" in follower.problem


async def test_it_follows_a_rollback(documents, follower, held):
    await write(documents, put("a", "1"))
    await write(documents, put("a", "2"), put("b", "1"))
    await follower.sync()
    await writer_of(documents).roll_back(1, "me", accept_all)
    await follower.sync()
    assert held.texts == {"a": "1"}


class Away(Documents):
    """A store that is away."""

    async def state(self):
        raise StoreError("away")


async def test_the_snapshot_is_what_was_in_force(documents, follower, held, said, tmp_path):
    snapshot = Snapshot(tmp_path / "snapshot")
    first = make(documents, held, said, snapshot)
    await first.start()
    await write(documents, put("a", "1"), put("b", "1"), put("c", "1"))
    await first.sync()
    await first.save()
    await write(documents, put("a", "bad"), remove("b"))
    await first.sync()
    await first.save()
    assert snapshot.path.stat().st_mode & 0o077 == 0
    again = Held()
    second = make(Away(documents.shelf), again, said, Snapshot(snapshot.path))
    await second.start()
    assert again.texts == {"a": "1", "c": "1"}
    assert second.is_from_snapshot
    assert any("Serving the snapshot" in line[1] for line in said)
    second.documents = documents
    await second.sync()
    assert not second.is_from_snapshot
    assert again.texts == {"a": "1", "c": "1"}
    assert set(second.refused) == {Key(API, "a")}


async def test_a_damaged_snapshot_is_set_aside(documents, held, said, tmp_path):
    path = tmp_path / "snapshot"
    path.write_bytes(b"garbage" * 1000)
    await write(documents, put("a", "1"))
    follower = make(documents, held, said, Snapshot(path))
    await follower.start()
    assert held.texts == {"a": "1"}
    assert any("Beginning without a snapshot" in line[1] for line in said)
    await follower.save()
    saved = Snapshot(path).load()
    assert [key.id for key in saved.documents] == ["a"]


async def test_a_torn_document_in_the_snapshot_is_left_out(documents, held, said, tmp_path):
    snapshot = Snapshot(tmp_path / "snapshot")
    follower = make(documents, held, said, snapshot)
    await write(documents, put("a", "1"), put("b", "1"))
    await follower.start()
    await follower.save()
    snapshot._opened().execute("UPDATE document SET envelope = ? WHERE name = 'api/a'", (b"x",))
    snapshot.close()
    saved = Snapshot(snapshot.path).load()
    assert [key.id for key in saved.documents] == ["b"]
    assert len(saved.problems) == 1
