"""The shelf over every store."""

from __future__ import annotations

import pytest
from tests.shelves import opened
from tests.topologies import TOPOLOGIES, options_for

from sluicegate.cluster.documents import Documents


@pytest.fixture(params=["memory", "sqlite", *TOPOLOGIES])
async def shelf(request, tmp_path):
    kind = request.param
    options = options_for(kind, request) if kind in TOPOLOGIES else None
    async with opened(kind, tmp_path, options) as made:
        yield made


@pytest.fixture
def documents(shelf):
    return Documents(shelf)
