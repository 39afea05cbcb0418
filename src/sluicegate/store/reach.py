"""How long the road waits for the store: not as long as an administrator would.

    in reach   a question has `timeout_s` to be answered; the first that is not takes the store for hung
    hung       questions fail at once (StoreError), so that no request is held; a probe looks for the store
               every LOOK_S or so, and the first sign of life takes it for in reach again

A worker that was busy itself does not blame the store: an answer that has come may lie unread behind a thousand
requests of the same moment. So a question that runs out late gets a few turns of the loop more.

A connection that breaks is another matter: calls fail at once then, without anybody's help. So is a store of several
servers: one that hangs is no reason not to ask the others, so there each question has its time, and no more follows.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from sluicegate.clock import ticks
from sluicegate.errors import StoreError

if TYPE_CHECKING:
    from sluicegate.store.backend import Backend

LOOK_S = 0.2
LATE_S = 0.05
"""A loop that is so late has had other things to do than to read answers."""
TURNS, TURN_S = 5, 0.03

Answer = TypeVar("Answer")


class Deadline:
    """Calls `too_late` after some seconds, unless cancelled; where the loop was late, some turns later.

    By then what had come has been read, and whoever waited for it is awake.
    """

    __slots__ = ("_due", "_handle", "_loop", "_too_late", "_turns_left")

    def __init__(self, after_s: float, too_late: Callable[[], object]) -> None:
        self._loop = asyncio.get_running_loop()
        self._too_late, self._turns_left = too_late, TURNS
        self._due = ticks() + after_s
        self._handle = self._loop.call_later(after_s, self._over)

    def cancel(self) -> None:
        """It is no longer waited for."""
        self._handle.cancel()

    def _over(self) -> None:
        is_punctual = self._turns_left == TURNS and ticks() - self._due <= LATE_S
        if is_punctual or not self._turns_left:
            self._too_late()
            return
        self._turns_left -= 1
        self._handle = self._loop.call_later(TURN_S, self._over)


class Reach:
    """Watches over the questions that one worker asks its store."""

    def __init__(
        self,
        backend: Backend,
        timeout_s: float,
        on_lost: Callable[[str], None] = lambda _reason: None,
        on_found: Callable[[], None] = lambda: None,
    ) -> None:
        """on_lost, on_found: are told, once each, why the store is taken for hung, and that it is not any more."""
        self.timeout_s = timeout_s
        self.is_hung = False
        self._backend = backend
        self._on_lost, self._on_found = on_lost, on_found
        self._probe: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Raise StoreError when there is no use in asking."""
        if self.is_hung:
            raise StoreError("the store does not answer")

    async def ask(self, question: Awaitable[Answer]) -> Answer:
        """Wait for an answer, at most `timeout_s`. Raises StoreError."""
        try:
            async with asyncio.timeout(None) as limit:
                deadline = Deadline(self.timeout_s, lambda: limit.reschedule(0.0))
                try:
                    return await question
                finally:
                    deadline.cancel()
        except TimeoutError:
            raise self.late() from None

    def late(self) -> StoreError:
        """A question was not answered in time: return what to raise."""
        reason = f"no answer within {self.timeout_s:g} s"
        if not self.is_hung and not self._backend.is_split:
            self.is_hung = True
            self._on_lost(reason)
            self._probe = asyncio.get_running_loop().create_task(self._look())
        return StoreError(reason)

    async def close(self) -> None:
        """Stop looking."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)

    async def _look(self) -> None:
        """Wait for a sign of life. A store whose connection broke is not hung: then calls fail by themselves."""
        while self.is_hung:
            await asyncio.sleep(LOOK_S * random.uniform(0.5, 1.5))  # noqa: S311 - nothing secret about a pause
            try:
                async with asyncio.timeout(self.timeout_s):
                    self.is_hung = not (await self._backend.health()).reachable
            except TimeoutError:
                continue
        self._on_found()
