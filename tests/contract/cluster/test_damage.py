"""A store that has lost a part of what it held: nothing goes out of service, and it can be made whole again."""

from __future__ import annotations

import pytest
from tests.contract.cluster.test_documents import A, B, texts, writer_of
from tests.contract.cluster.test_documents import write as write_changed
from tests.contract.cluster.test_follow import Held, make
from tests.shelves import put, remove

from sluicegate.cluster.digest import digest_of, digest_text
from sluicegate.cluster.documents import STATE
from sluicegate.store import names

INDEX, DOCUMENTS = names.CLUSTER_INDEX, names.CLUSTER_DOCUMENTS


async def write(documents, *changes, anew=False):
    async def prepare(_state):
        return changes

    return await writer_of(documents).commit(prepare, "me", anew=anew)


async def lose(documents, *lost):
    await documents.shelf.change({}, {(name, str(key)): None for name, key in lost})


@pytest.mark.parametrize("lost", [[INDEX], [DOCUMENTS], [INDEX, DOCUMENTS]], ids=["index", "documents", "both"])
async def test_what_a_store_lost_stays_in_service(documents, lost):
    held, said = Held(), []
    follower = make(documents, held, said)
    await write(documents, put("a", "1"), put("b", "1"))
    await follower.sync()
    await lose(documents, *((name, key) for name in lost for key in (A, B)))
    await follower.look(everything=True)
    assert held.texts == {"a": "1", "b": "1"}
    await write_changed(documents, put("c", "1"))
    await follower.look()
    await follower.look(everything=True)
    assert held.texts == {"a": "1", "b": "1", "c": "1"}


async def test_a_node_that_starts_then_serves_what_is_left_and_says_so(documents):
    await write(documents, put("a", "1"), put("b", "1"))
    await lose(documents, (INDEX, A))
    held, said = Held(), []
    follower = make(documents, held, said)
    await follower.look()
    assert held.texts == {"b": "1"}
    assert "some are lost" in follower.trouble


async def test_a_document_that_only_the_index_has_is_named(documents):
    held, said = Held(), []
    follower = make(documents, held, said)
    await write(documents, put("a", "1"), put("b", "1"))
    await follower.sync()
    await write(documents, put("a", "2"), put("b", "2"))
    await lose(documents, (DOCUMENTS, A))
    await follower.sync()
    assert held.texts == {"a": "1", "b": "2"}
    assert str(follower.refused[A]) == "store: api/a: the document is missing (write it once more, or roll back)"


async def test_what_was_removed_goes_out_of_service_when_history_has_a_hole(documents):
    held, said = Held(), []
    follower = make(documents, held, said)
    await write(documents, put("a", "1"), put("b", "1"))
    await follower.sync()
    await write(documents, remove("a"))
    await lose(documents, (names.CLUSTER_HISTORY, "2"))
    await follower.sync()
    assert held.texts == {"b": "1"}


@pytest.mark.parametrize(
    "lost",
    [[(INDEX, A)], [(DOCUMENTS, A)], [(INDEX, A), (DOCUMENTS, A)], [STATE]],
    ids=["index", "document", "both", "state"],
)
async def test_it_is_made_whole_by_writing_all_anew(documents, lost):
    await write(documents, put("a", "1"), put("b", "1"))
    assert await documents.is_whole()
    await lose(documents, *lost)
    assert not await documents.is_whole()
    await write(documents, put("a", "1"), put("b", "1"), anew=True)
    assert await documents.is_whole()
    assert await texts(documents) == {"a": "1", "b": "1"}
    state = await documents.state()
    assert (state.documents, state.digest) == (2, digest_text(digest_of(await documents.index())))
    held, said = Held(), []
    follower = make(documents, held, said)
    await follower.sync()
    assert (held.texts, follower.trouble) == ({"a": "1", "b": "1"}, "")
