"""Long work in slices, between which requests are served."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

SLICE_S = 0.004
"""How long requests may wait for such work at a time."""


_begun = 0.0
"""When the slice of this process began: what one function did counts for the next one, if nobody had a turn between."""


async def give_way() -> None:
    """Let others have their turn, if the slice of work has taken long enough."""
    global _begun
    if perf_counter() - _begun > SLICE_S:
        await asyncio.sleep(0)
        _begun = perf_counter()


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the cyclic garbage collector away from work that makes what stays.

    A collection walks through everything that was made, at one go: with a thousand APIs that is a pause of tens of
    milliseconds. What is alive at the end is set aside, so that no later collection looks at it either. It is freed as
    ever when nobody holds it any more, which is why routes have nothing that goes round in circles (`build.close`).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
