"""What a Tyk user's definitions, keys and policies do here: one gateway a file, many small questions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.upstreams import Upstream


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """An upstream that says what it was asked."""
    with Upstream() as server:
        yield server
