"""Certificates in every store: added, listed and removed as Tyk does it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.topologies import options_for

from sluicegate.store.backend import Backend
from sluicegate.store.certificate_records import CertificateRecords
from sluicegate.store.memory import MemoryBackend
from sluicegate.store.redis import RedisBackend
from sluicegate.store.sqlite import SqliteBackend

ONE, TWO, THREE = "1" * 64, "2" * 64, "3" * 64
INDEX, MARK = "cert-org-index", "cert-org-index-migrated"


@pytest.fixture(params=["memory", "embedded", "single", "cluster"])
async def backend(request: Any, tmp_path: Path) -> AsyncIterator[Backend]:
    made: Backend
    if request.param == "memory":
        made = MemoryBackend()
    elif request.param == "embedded":
        made = SqliteBackend(tmp_path / "store.db")
    else:
        made = RedisBackend(options_for(request.param, request))
    yield made
    await made.close()


@pytest.fixture
def records(backend: Backend) -> CertificateRecords:
    return CertificateRecords(backend)


async def test_a_record_lies_where_tyk_looks_for_it(records: CertificateRecords, backend: Backend) -> None:
    assert await records.add("org" + ONE, "org", b"pem")
    assert await backend.get(f"cert-raw-org{ONE}") == b"pem"
    assert await backend.list_items(INDEX) == [f"raw-org{ONE}".encode()]
    assert await records.texts(["org" + ONE, TWO]) == [b"pem", None]


async def test_a_record_is_not_replaced(records: CertificateRecords, backend: Backend) -> None:
    await records.add("org" + ONE, "org", b"first")
    assert not await records.add("org" + ONE, "org", b"second")
    assert await backend.get(f"cert-raw-org{ONE}") == b"first"
    assert await records.ids("org") == ["org" + ONE]


async def test_one_that_was_not_listed_is_when_it_is_added_again(records: CertificateRecords, backend: Backend) -> None:
    await backend.set(f"cert-raw-org{ONE}", b"pem")
    assert not await records.add("org" + ONE, "org", b"pem")
    assert await backend.list_items(INDEX) == [f"raw-org{ONE}".encode()]


async def test_the_list_is_in_order_of_addition(records: CertificateRecords, backend: Backend) -> None:
    for one in (TWO, ONE, THREE):
        await records.add("org" + one, "org", b"pem")
    assert await records.ids("org") == ["org" + TWO, "org" + ONE, "org" + THREE]
    assert await backend.get(MARK) == b"1"


async def test_without_a_list_it_is_made_of_what_is_there(records: CertificateRecords, backend: Backend) -> None:
    for name in (f"cert-raw-org{TWO}", f"cert-raw-org{ONE}", f"cert-raw-org2{ONE}", f"cert-raw-{ONE}"):
        await backend.set(name, b"pem")
    assert await records.ids("org") == ["org" + ONE, "org" + TWO]
    assert await backend.list_items(INDEX) == [f"raw-org{ONE}".encode(), f"raw-org{TWO}".encode()]
    assert await records.ids("org") == ["org" + ONE, "org" + TWO]


async def test_without_a_list_that_was_whole_there_are_none(records: CertificateRecords, backend: Backend) -> None:
    await backend.set(MARK, b"1")
    await backend.set(f"cert-raw-org{ONE}", b"pem")
    assert await records.ids("org") == []


async def test_all_are_listed_each_time(records: CertificateRecords, backend: Backend) -> None:
    await records.add("org" + TWO, "org", b"pem")
    await records.add(ONE, "", b"pem")
    for _ in range(2):
        assert await records.ids("") == [ONE, "org" + TWO]
    assert not await backend.exists("cert--index")


async def test_what_is_removed_is_nowhere(records: CertificateRecords, backend: Backend) -> None:
    for one in (ONE, TWO):
        await records.add("org" + one, "org", b"pem")
    await records.remove("org" + ONE, "org")
    await records.remove("org" + ONE, "org")
    assert await records.ids("org") == ["org" + TWO]
    assert await records.texts(["org" + ONE]) == [None]
