"""Keys that another node says were written: they are read again at once, if they are known (`known_keys`).

A message is a hint, and takes nothing away by itself: only what the store answers does. So a key in use goes on when
the store goes in between, and one that was deleted is forgotten as soon as that was read. What can't be read waits
until the store is back (docs/decisions/0018).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice

from sluicegate.clock import now
from sluicegate.errors import StoreError
from sluicegate.store.known_keys import KnownKeys

AT_ONCE = 500
PAUSE_S = 0.02
"""Between two rounds, so that a key of which every request tells costs few questions."""
LOOK_AGAIN_S = 1.0

Read = Callable[[str], Awaitable[bytes | None]]


class ToldKeys:
    """Reads keys again, in rounds, as long as there are any."""

    def __init__(self, read: Read, known: KnownKeys) -> None:
        """read: returns what is stored under the name of a session. Raises StoreError."""
        self._read, self._known = read, known
        self._waiting: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None

    def hear(self, names: Iterable[str]) -> None:
        """These were written. Those of which nothing is known are left alone, so no more wait than are known."""
        self._waiting |= dict.fromkeys(name for name in names if self._known.knows(name))
        if self._waiting and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            names = list(islice(self._waiting, AT_ONCE))
            for name in names:
                del self._waiting[name]
            answered = await asyncio.gather(*(self._read_again(name) for name in names))
            await asyncio.sleep(PAUSE_S if all(answered) else LOOK_AGAIN_S)

    async def _read_again(self, name: str) -> bool:
        """Return whether the store has answered; if not, it is asked later."""
        asked_s = now()
        try:
            data = await self._read(name)
        except StoreError:
            self._waiting[name] = None
            return False
        self._known.refresh(name, data, asked_s)
        return True
