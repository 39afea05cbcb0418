"""What unit tests share; builders of exchanges are in `tests/fakes/exchange.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fakes.exchange import make_exchange
from tests.fakes.worker import WorkerParts

from sluicegate.chain.exchange import Exchange


@pytest.fixture
def exchange() -> Exchange:
    """A GET of / that nobody has looked at yet."""
    return make_exchange()


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[WorkerParts]:
    """A worker's parts over a folder that is empty."""
    made = WorkerParts(tmp_path)
    yield made
    await made.close()
