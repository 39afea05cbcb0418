"""How a worker comes to hold what the store holds, and keeps to it.

Theory. A follower knows the version of every document it has read (`read`), and of every one that is in force
(`in_force`); they differ where a document was refused, whose version before stays in force.

    start ──snapshot, if there is one──► serving ◄──┐
                                          │ hint, poll, gap, `sync`
                                          ▼         │
                                        look ───────┤ same generation, same digest: nothing to do
                                          │         │
                                          ├─ newer: read what history says was changed ──► take over ─┤
                                          └─ else:  compare all versions with the index ─► take over ─┘

A hint is only a reason to look. After each step the digest of what was read is compared with the store's; when they
differ though nobody has written meanwhile, something was missed, and everything is compared. So a lost message, a
paused node and a hole in history heal by themselves, at the latest after one interval.

A store may lose a part of what it holds: a Redis evicts maps, people delete what they should not. So what is missing in
the index is gone only when the index has the digest of the state, and a document that only the index has is refused.

Invariants: what is in force is whole, and was in force in the store at one time; a store that is away, unreadable or
empty changes nothing; one look at a time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from sluicegate.clock import now
from sluicegate.cluster.digest import EMPTY, digest_text, mark
from sluicegate.cluster.document import Entry, Envelope, Key, missing
from sluicegate.cluster.documents import Documents, State
from sluicegate.cluster.errors import Damaged, Emptied
from sluicegate.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from sluicegate.cluster.snapshot import Snapshot

MOST_LOOKS = 10
MOST_TOLD = 5
START_PATIENCE_S = 2.0
"""How long a node that has a snapshot waits for the store before it serves."""

TakeOver = Callable[[Mapping[Key, Envelope | None]], Awaitable[dict[Key, ConfigError]]]
"""Puts documents into force, None for those that are gone; returns which were refused, and why."""


class Follower:
    """What a worker holds of the shared configuration.

    state:      what the store was last known to be.
    refused:    documents that the store holds and this worker does not serve, each with its reason.
    problem:    why the last look failed, or "".
    last_sync:  when it last held what the store holds, seconds since 1970; 0: never.
    lag_s:      how long after it was written the last change was taken over; 0: it was read at the start.
    """

    def __init__(
        self,
        documents: Documents,
        take_over: TakeOver,
        log: Callable[..., None],
        interval_s: float,
        snapshot: Snapshot | None = None,
    ) -> None:
        self.documents, self._take_over, self._log = documents, take_over, log
        self._interval_s, self._snapshot = interval_s, snapshot
        self.saves = False
        """Whether this worker writes the snapshot; one of a node does."""
        self.state = State()
        self.read: dict[Key, Entry] = {}
        self.in_force: dict[Key, Entry] = {}
        self.refused: dict[Key, ConfigError] = {}
        self.problem = ""
        self.last_sync = 0.0
        self.lag_s = 0.0
        self.is_from_snapshot = False
        self._read_digest = self._digest = EMPTY
        self._looking = asyncio.Lock()
        self._hinted = asyncio.Event()
        self._is_gap = False
        self._unsaved: dict[Key, Envelope | None] = {}
        self._saved_state, self._can_save = self.state, True

    @property
    def generation(self) -> int:
        """The generation that was last taken over."""
        return self.state.generation

    @property
    def digest(self) -> str:
        """The digest of what is in force, in hex; the store's when nothing was refused."""
        return digest_text(self._digest)

    @property
    def trouble(self) -> str:
        """What an operator has to know: what is served is old, or not all of it is what the store holds; or ""."""
        if self.is_from_snapshot:
            return f"the snapshot of generation {self.generation} is served: {self.problem or 'no answer yet'}"
        if self.problem:
            return f"generation {self.generation} is served: {self.problem}"
        return "; ".join(str(error) for error in list(self.refused.values())[:MOST_TOLD])

    # -- life

    async def start(self) -> None:
        """Take over the snapshot, then what the store holds; wait for the store only as long as it makes sense."""
        if self._snapshot is not None:
            await self._load(self._snapshot)
        looking = asyncio.ensure_future(self.look())
        await asyncio.wait([looking], timeout=START_PATIENCE_S if self.is_from_snapshot else None)
        if self.is_from_snapshot:
            self._log(
                "warning",
                "Serving the snapshot of the shared configuration, the store cannot be read",
                generation=self.generation,
                error=self.problem or "no answer yet",
            )

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s * random.uniform(0.9, 1)):  # noqa: S311 - spreads load
                    await self._hinted.wait()
            self._hinted.clear()
            is_gap, self._is_gap = self._is_gap, False
            await self.look(everything=is_gap)
            await self.save()

    def hint(self, *, is_gap: bool = False) -> None:
        """Somebody says that there is something new; is_gap: messages were missed, so compare everything."""
        self._is_gap |= is_gap
        self._hinted.set()

    async def look(self, *, everything: bool = False) -> None:
        """Take over what is new, if the store can be read; `problem` says when it cannot."""
        try:
            await self.sync(everything=everything)
        except (StoreError, ConfigError) as error:
            self._complain(str(error), quiet=isinstance(error, StoreError))

    # -- taking over

    async def sync(self, *, everything: bool = False) -> None:
        """Take over what the store holds; when it returns, nothing older than at the call is in force.

        Raises StoreError, ConfigError.
        """
        async with self._looking:
            for _ in range(MOST_LOOKS):
                state = await self.documents.state()
                if not state.generation and self.generation:
                    raise Emptied
                if not everything and self._holds(state):
                    break
                await self._step(state, everything)
                # Somebody may have written meanwhile: then there is more to read. Else something was missed.
                if self._holds(state):
                    break
                is_missing = state == await self.documents.state()
                if is_missing and everything:
                    raise Damaged
                everything = is_missing
            else:
                raise StoreError("the shared configuration changes faster than it can be read")
            self._settle()

    def _holds(self, state: State) -> bool:
        mine = self.state
        return (state.cluster, state.generation, state.digest) == (
            mine.cluster,
            mine.generation,
            digest_text(self._read_digest),
        )

    async def _step(self, state: State, everything: bool) -> None:
        keys = None
        if not everything and state.cluster == self.state.cluster and state.generation > self.generation:
            keys = await self.documents.changed_since(self.generation, state)
        if state.generation < self.generation and state.cluster == self.state.cluster:
            what = "The store went back to an earlier generation: a copy was put back, or a fail-over lost writes"
            self._log("error", what, was=self.generation, now=state.generation)
        if keys is None:
            index, digest = await self.documents.counted_index()
            keys = self._differing(index)
            if digest_text(digest) == state.digest:
                keys |= self.read.keys() - index.keys()
        await self._take(keys)
        if state.generation > self.generation:
            self.lag_s = max(0.0, now() - state.at) if self.last_sync else 0.0
        self.state = state

    def _differing(self, index: Mapping[Key, Entry]) -> set[Key]:
        return {key for key, entry in index.items() if self.read.get(key) != entry or key in self.refused}

    async def _take(self, keys: Iterable[Key]) -> None:
        """Read some documents, and put into force what is good."""
        wanted = sorted(keys)
        if not wanted:
            return
        fetched = await self.documents.fetch(wanted)
        broken = {key: found for key, found in fetched.items() if isinstance(found, ConfigError)}
        good = {key: found for key, found in fetched.items() if not isinstance(found, ConfigError)}
        entries = await self.documents.entries([key for key in wanted if good.get(key) is None])
        for key in good.keys() & entries.keys():
            broken[key] = missing(key)
            del good[key]
        before = dict(self.refused)
        refused = broken | await self._take_over(good)
        for key, found in good.items():
            self._note_read(key, found.entry if found is not None else None)
            self.refused.pop(key, None)
            if key not in refused:
                self._note_in_force(key, found)
        for key in broken:
            self._note_read(key, entries.get(key))
        self.refused |= refused
        for key, error in refused.items():
            if str(before.get(key)) != str(error):
                self._log("error", "Refused", error=str(error), shared=str(key))

    def _note_read(self, key: Key, entry: Entry | None) -> None:
        self._read_digest ^= mark(key, self.read.get(key)) ^ mark(key, entry)
        if entry is None:
            self.read.pop(key, None)
        else:
            self.read[key] = entry

    def _note_in_force(self, key: Key, found: Envelope | None) -> None:
        entry = found.entry if found is not None else None
        self._digest ^= mark(key, self.in_force.get(key)) ^ mark(key, entry)
        if entry is None:
            self.in_force.pop(key, None)
        else:
            self.in_force[key] = entry
        if self.saves:
            self._unsaved[key] = found

    def _settle(self) -> None:
        self.last_sync = now()
        if self.problem and (self.generation or self.is_from_snapshot):
            self._log("info", "The shared configuration can be read again", generation=self.generation)
        self.problem = ""
        self.is_from_snapshot = False

    def _complain(self, problem: str, *, quiet: bool) -> None:
        """Remember why a look failed; that the store is away is said once, by whoever talks to it."""
        if problem != self.problem and not quiet:
            self._log("error", "Going on with the shared configuration that is in force", error=problem)
        self.problem = problem

    # -- the snapshot

    async def _load(self, snapshot: Snapshot) -> None:
        try:
            saved = await asyncio.to_thread(snapshot.load)
        except StoreError as error:
            self._log("error", "Beginning without a snapshot", error=str(error))
            return
        if saved is None:
            return
        for problem in saved.problems:
            self._log("error", "Refused", error=str(problem))
        refused = await self._take_over(saved.documents)
        for key, envelope in saved.documents.items():
            self._note_read(key, envelope.entry)
            if key not in refused:
                self._note_in_force(key, envelope)
        self.refused, self.state = refused, saved.state
        self._unsaved.clear()
        self._saved_state = self.state
        self.is_from_snapshot = True

    async def save(self) -> None:
        """Write what has changed to the snapshot."""
        if self._snapshot is None or not self.saves or (self.state == self._saved_state and not self._unsaved):
            return
        unsaved, self._unsaved, state = self._unsaved, {}, self.state
        try:
            await asyncio.to_thread(self._snapshot.save, state, unsaved)
        except StoreError as error:
            self._unsaved = unsaved | self._unsaved
            if self._can_save:
                self._log("error", "The snapshot is getting old", error=str(error))
            self._can_save = False
        else:
            self._saved_state, self._can_save = state, True
