"""Long work in slices, between which requests are served."""

from __future__ import annotations

import asyncio
from time import perf_counter

SLICE_S = 0.004
"""How long requests may wait for such work at a time."""


class Slices:
    """Gives way to requests when a slice of work has taken long enough."""

    def __init__(self) -> None:
        self._begun = perf_counter()

    async def give_way(self) -> None:
        """Let others have their turn, if it is time."""
        if perf_counter() - self._begun > SLICE_S:
            await asyncio.sleep(0)
            self._begun = perf_counter()
