"""Lines that go to standard error or a file from a thread of their own.

Whoever reads them may stall: the pipe is then full, and a write would hold up the whole event loop. Here it holds up
the thread; what does not fit into the room there is meanwhile is lost, and counted.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue

ROOM_BYTES = 8 << 20


class LineWriter:
    """Hands pieces of whole lines to `write`, in order."""

    def __init__(self, write: Callable[[bytes], None], on_lost: Callable[[bytes], None]) -> None:
        """Start the thread.

        write:   may block, and raises nothing.
        on_lost: is called with a piece that there was no room for.
        """
        self._write, self._on_lost = write, on_lost
        self._taken_bytes = self._written_bytes = 0  # each has one writer: the loop, the thread
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="sluicegate-lines", daemon=True)
        self._thread.start()

    def put(self, lines: bytes) -> None:
        """Take lines to be written; never waits."""
        if self._taken_bytes - self._written_bytes + len(lines) > ROOM_BYTES:
            self._on_lost(lines)
            return
        self._taken_bytes += len(lines)
        self._queue.put(lines)

    async def close(self, timeout_s: float = 2.0) -> None:
        """Write what is there, as far as that goes in time."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, timeout_s)

    def _work(self) -> None:
        while (lines := self._queue.get()) is not None:
            self._write(lines)
            self._written_bytes += len(lines)
