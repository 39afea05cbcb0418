"""A Redis that is full takes a commit whole or not at all."""

from __future__ import annotations

import pytest
from tests.contract.cluster.test_documents import write
from tests.shelves import opened, put, redis_at

from sluicegate.cluster.document import checksum_of, pack
from sluicegate.cluster.documents import Documents, Origin
from sluicegate.cluster.lock import Lock
from sluicegate.errors import StoreError


async def test_a_full_redis_refuses_and_loses_nothing(redis_server, tmp_path):
    async with opened("redis", tmp_path, redis_at(redis_server.port)) as shelf:
        documents = Documents(shelf)
        first = await write(documents, put("a", "1"), put("b", "1"))
        async with Lock(shelf).held() as token:
            redis_server.command("config", "set", "maxmemory", "1")
            try:
                with pytest.raises(StoreError):
                    await documents.commit([put("a", "2"), put("b", "2"), put("c", "2")], Origin("me", token))
                with pytest.raises(StoreError):
                    await write(documents, put("a", "2"))
            finally:
                redis_server.command("config", "set", "maxmemory", "0")
        assert await documents.state() == first
        index = await documents.index()
        assert {key.id: entry.checksum for key, entry in index.items()} == {
            change.key.id: checksum_of(pack(change.content)) for change in (put("a", "1"), put("b", "1"))
        }
        assert (await write(documents, put("a", "2"))).generation == 2
