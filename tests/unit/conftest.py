"""What unit tests share; builders of exchanges are in `tests/fakes/exchange.py`."""

from __future__ import annotations

import pytest
from tests.fakes.exchange import make_exchange

from sluicegate.chain.exchange import Exchange


@pytest.fixture
def exchange() -> Exchange:
    """A GET of / that nobody has looked at yet."""
    return make_exchange()
