"""What a writer says of a write whose answer it never got, over every store."""

from __future__ import annotations

import pytest
from tests.contract.cluster.test_documents import texts, write
from tests.shelves import put

from sluicegate.cluster.documents import Origin
from sluicegate.cluster.errors import LockBusy, Unclear
from sluicegate.errors import StoreError

FIRST_TOKEN = 1


@pytest.fixture
def breaks_off(shelf, monkeypatch):
    """Return a function that has the store break off at the next change, which is done or not, with what comes then."""

    def begin(*, is_done, then):
        change = shelf.change

        async def break_off(expected, values):
            monkeypatch.undo()
            if is_done:
                await change(expected, values)
            await then()
            raise StoreError("the store does not answer")

        monkeypatch.setattr(shelf, "change", break_off)

    return begin


async def nothing():
    """Nothing else happens."""


async def test_it_finds_out_that_it_was_written(documents, breaks_off):
    breaks_off(is_done=True, then=nothing)
    assert await write(documents, put("a", "1")) == await documents.state()
    assert await texts(documents) == {"a": "1"}


async def test_it_finds_out_that_it_was_not_written(documents, breaks_off):
    breaks_off(is_done=False, then=nothing)
    with pytest.raises(StoreError, match="nothing has changed") as found:
        await write(documents, put("a", "1"))
    assert not isinstance(found.value, Unclear)


async def test_it_tells_its_own_generation_when_others_have_written_meanwhile(documents, breaks_off):
    async def others_write():
        await documents.commit([put("a", "2")], Origin("somebody else", FIRST_TOKEN))

    breaks_off(is_done=True, then=others_write)
    assert (await write(documents, put("a", "1"))).generation == 1
    assert (await documents.state()).generation == 2


@pytest.mark.parametrize("error", [StoreError("the store is away"), LockBusy()])
@pytest.mark.parametrize("is_done", [True, False])
async def test_it_says_so_when_it_cannot_find_out(documents, breaks_off, shelf, monkeypatch, error, is_done):
    async def stay_away():
        async def fail(*_):
            raise error

        monkeypatch.setattr(shelf, "take_lock", fail)

    breaks_off(is_done=is_done, then=stay_away)
    with pytest.raises(Unclear, match="whether the change was written is not known"):
        await write(documents, put("a", "1"))
