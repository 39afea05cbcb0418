"""What unit tests share; builders of exchanges are in `tests/fakes/exchange.py`."""

from __future__ import annotations

import pytest

from sluicegate.chain.exchange import Exchange
from tests.fakes.exchange import make_exchange


@pytest.fixture
def exchange() -> Exchange:
    """A GET of / that nobody has looked at yet."""
    return make_exchange()
