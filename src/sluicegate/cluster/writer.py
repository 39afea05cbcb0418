"""The one way to change the shared configuration: lock, look, commit, tell.

What a commit consists of may depend on what is there (`prepare`), so it is worked out under the lock, on the newest
generation. A commit whose outcome the store left open is looked for under a new token: from then on it is either in the
history or will never be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sluicegate.cluster.documents import Change, Documents, Origin, State
from sluicegate.cluster.errors import LockBusy, Unclear
from sluicegate.cluster.lock import Lock
from sluicegate.cluster.past import changes_back_to
from sluicegate.errors import StoreError

Prepare = Callable[[State], Awaitable[Sequence[Change]]]
"""Returns the changes, given the state they will be made to. Raises what the caller is to see."""

Accept = Callable[[Sequence[Change]], Awaitable[None]]
"""Raises what is wrong with changes."""

Tell = Callable[[State], Awaitable[None]]
"""Tells other nodes of a new state; never raises."""


class Writer:
    """Changes the shared configuration for one author."""

    def __init__(self, documents: Documents, lock: Lock, tell: Tell) -> None:
        self.documents, self._lock, self._tell = documents, lock, tell

    async def commit(
        self,
        prepare: Prepare,
        author: str,
        note: str = "",
        expected: int | None = None,
        *,
        above: int = 0,
        anew: bool = False,
    ) -> State:
        """Make a change, and return the state with it. See `Documents.commit`; raises what that does, and LockBusy."""
        try:
            async with self._lock.held() as token:
                before = await self.documents.state()
                changes = await prepare(before)
                origin = Origin(author, token, note)
                after = await self.documents.commit(changes, origin, expected, above=above, anew=anew)
        except Unclear as unclear:
            after = await self._settled(unclear)
        if after.generation != before.generation:
            await self._tell(after)
        return after

    async def roll_back(self, generation: int, author: str, accept: Accept) -> State:
        """Bring back what was shared at an earlier generation, as a new generation. Raises ConfigError too."""

        async def prepare(state: State) -> Sequence[Change]:
            changes = await changes_back_to(self.documents, state, generation)
            await accept(changes)
            return changes

        return await self.commit(prepare, author, f"rollback to {generation}")

    async def _settled(self, unclear: Unclear) -> State:
        """Return the state with a commit that turns out to have been done. Raises Unclear, StoreError."""
        try:
            async with self._lock.held():
                head = (await self.documents.heads([unclear.state.generation]))[0]
        except (StoreError, LockBusy):  # of looking, not of writing: it tells nothing about that
            raise unclear from None
        if head is None or head.mark != unclear.mark:
            raise unclear.not_done()
        return unclear.state
