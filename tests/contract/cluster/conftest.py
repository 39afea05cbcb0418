"""The shelf over every store."""

from __future__ import annotations

import pytest
from tests.shelves import opened

from sluicegate.cluster.documents import Documents


@pytest.fixture(params=["memory", "sqlite", "redis"])
async def shelf(request, tmp_path):
    port = request.getfixturevalue("redis_server").port if request.param == "redis" else 0
    async with opened(request.param, tmp_path, port) as made:
        yield made


@pytest.fixture
def documents(shelf):
    return Documents(shelf)
