"""The shared configuration in the store: what lies where, and the one step that changes it.

Theory. There are four maps, and a state with the number of the configuration, its generation.

    state      `state`: generation, digest, how far history reaches back; `fence`: the last token of the lock
    documents  by `kind/id`: the envelope (`document`)
    index      by `kind/id`: generation and checksum, so that a node can compare all without reading all
    history    by generation: who, when, which documents; with `past`, what they were before

A commit reads the state and the documents that it is about to change, works out the next state and everything that goes
with it, and writes all of that in one step of the store, on two conditions: the state is still the one that was read,
and no later token was given out than the writer's. So

    each generation is written once, by one writer, and the next is one higher;
    what readers find under a generation is all of its changes or none;
    a writer that was paused past its lease cannot commit what it had in mind before.

When the store breaks off before it answers, nobody knows whether the step was done, or still will be (`Unclear`). Once
a later token was given out it will not be any more, and the writer's mark in the history tells (`writer`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from sluicegate.clock import now
from sluicegate.cluster.digest import EMPTY, digest_text, mark
from sluicegate.cluster.document import (
    FORMAT,
    MOST_DOCUMENTS,
    Content,
    Entry,
    Envelope,
    Key,
    checksum_of,
    content_of,
    open_envelope,
    pack,
    seal,
)
from sluicegate.cluster.errors import Conflict, LockLost, Unclear
from sluicegate.cluster.history import Changed, Head, Past, pruned
from sluicegate.cluster.shelf import Field, Shelf
from sluicegate.errors import ConfigError, StoreError
from sluicegate.store import names

STATE: Field = (names.CLUSTER_STATE, "state")
FENCE: Field = (names.CLUSTER_STATE, "fence")
LARGEST_COMMIT_BYTES = 128 << 20
MOST_STEPS_BACK = 100
"""A node that is further behind compares everything instead of reading what each generation changed."""


class State(msgspec.Struct, frozen=True, array_like=True):
    """The number of the configuration, and what goes with it.

    cluster:    made up with the first commit; another one means that the store was emptied meanwhile.
    digest:     of all documents (`digest`), in hex.
    at:         when it was written, seconds since 1970.
    oldest:     the first generation that history holds.
    past_bytes: length of all that history remembers.
    """

    format: int = FORMAT
    cluster: str = ""
    generation: int = 0
    digest: str = digest_text(0)
    documents: int = 0
    at: float = 0.0
    oldest: int = 1
    past_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit does to one document.

    content:  what it shall be; None removes it.
    expected: the generation it must have been written by; 0: it must not be there; None: whatever is there.
    """

    key: Key
    content: Content | None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose commit it is: who, by what right (`token` of the lock), and a word about it."""

    author: str
    token: int
    note: str = ""


class Documents:
    """The shared documents."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    # -- reading

    async def state(self) -> State:
        """Return the state; generation 0 is that of a store that holds nothing. Raises ConfigError, StoreError."""
        return (await self._read_state())[0]

    async def _read_state(self) -> tuple[State, bytes | None]:
        raw = (await self.shelf.get(STATE[0], [STATE[1]]))[0]
        return read_state(raw), raw

    async def index(self) -> dict[Key, Entry]:
        """Return the version of every document."""
        return (await self.counted_index())[0]

    async def counted_index(self) -> tuple[dict[Key, Entry], int]:
        """Return the version of every document, and the digest of them all: the state's, unless something is lost."""
        found: dict[Key, Entry] = {}
        digest = EMPTY
        async for some in self.shelf.items(names.CLUSTER_INDEX):
            for field, raw in some:
                entry = read_entry(raw)
                if entry is not None:
                    key = Key.read(field)
                    digest ^= mark(key, found.get(key)) ^ mark(key, entry)  # the same may come twice
                    found[key] = entry
        return found, digest

    async def is_whole(self) -> bool:
        """Return whether every document of the state is there; all of them are read. Raises ConfigError, StoreError."""
        while True:
            state = await self.state()
            index, digest = await self.counted_index()
            if digest_text(digest) == state.digest and await self._are_there(index):
                return True
            if state == await self.state():  # else somebody has written meanwhile
                return False

    async def _are_there(self, index: Mapping[Key, Entry]) -> bool:
        found = await self.fetch(list(index))
        return all(isinstance(one, Envelope) and one.entry == index[key] for key, one in found.items())

    async def entries(self, keys: Sequence[Key]) -> dict[Key, Entry]:
        """Return the versions of some documents, without those that are not there."""
        raws = await self.shelf.get(names.CLUSTER_INDEX, [str(key) for key in keys]) if keys else []
        read = {key: read_entry(raw) for key, raw in zip(keys, raws, strict=True)}
        return {key: entry for key, entry in read.items() if entry is not None}

    async def fetch(self, keys: Sequence[Key]) -> dict[Key, Envelope | ConfigError | None]:
        """Return documents, None for those that are not there, or why one is not to be used."""
        raws = await self.shelf.get(names.CLUSTER_DOCUMENTS, [str(key) for key in keys]) if keys else []
        found: dict[Key, Envelope | ConfigError | None] = {}
        for key, raw in zip(keys, raws, strict=True):
            try:
                found[key] = open_envelope(raw, key) if raw is not None else None
            except ConfigError as error:
                found[key] = error.kept()
        return found

    async def contents(self, keys: Iterable[Key]) -> dict[Key, Content]:
        """Return what documents say, without those that are not there. Raises ConfigError for one that is not whole."""
        found = {}
        for key, envelope in (await self.fetch(list(keys))).items():
            if isinstance(envelope, ConfigError):
                raise envelope
            if envelope is not None:
                found[key] = content_of(envelope.content, key)
        return found

    async def changed_since(self, generation: int, state: State) -> set[Key] | None:
        """Return which documents were changed after a generation, up to a state; None when history does not say."""
        if generation + 1 < state.oldest or state.generation - generation > MOST_STEPS_BACK:
            return None
        heads = await self.heads(range(generation + 1, state.generation + 1))
        if any(head is None for head in heads):
            return None
        return {changed.key for head in heads if head is not None for changed in head.changes}

    async def heads(self, generations: Iterable[int]) -> list[Head | None]:
        """Return what some generations did, None for those that history does not hold."""
        fields = [str(generation) for generation in generations]
        raws = await self.shelf.get(names.CLUSTER_HISTORY, fields) if fields else []
        return [Head.read(raw) for raw in raws]

    async def past(self, generations: Sequence[int]) -> list[Past | None]:
        """Return what documents were before some generations."""
        raws = await self.shelf.get(names.CLUSTER_PAST, [str(one) for one in generations]) if generations else []
        return [Past.read(raw) for raw in raws]

    # -- writing

    async def commit(
        self,
        changes: Sequence[Change],
        origin: Origin,
        expected: int | None = None,
        *,
        above: int = 0,
        anew: bool = False,
    ) -> State:
        """Do all changes in one step, and return the state with them; nothing to do leaves the state as it is.

        expected: the generation that the store must be at. above: the new generation must be higher than this one.
        anew: something of the store is lost; so write what seems to be there too, and count all that there is.
        Raises Conflict, LockLost, Unclear, ConfigError (what must not be stored, or a store of a newer version),
        StoreError.
        """
        state, raw = await self._read_state()
        if expected is not None and state.generation != expected:
            raise Conflict(None, expected, state.generation)
        keys = [change.key for change in changes]
        before = await self.entries(keys)
        packed = _checked(changes, before, anew=anew)
        if not packed:
            return state
        counted = await self._counted() if anew else _Counted(int(state.digest, 16), state.documents)
        sealed = await self.shelf.get(names.CLUSTER_DOCUMENTS, [str(key) for key in packed])
        envelopes = dict(zip(packed, sealed, strict=True))
        plan = _Plan(state, max(state.generation, above) + 1, counted, before, packed, envelopes)
        head, after = plan.made(origin)
        gone = await pruned(self.heads, after)
        after = msgspec.structs.replace(after, oldest=gone.oldest, past_bytes=gone.past_bytes)
        values = plan.values(head, after)
        for generation in gone.generations:
            values[names.CLUSTER_HISTORY, str(generation)] = values[names.CLUSTER_PAST, str(generation)] = None
        conditions: dict[Field, bytes | None] = {STATE: raw, FENCE: b"%d" % origin.token}
        try:
            done = await self.shelf.change(conditions, values)
        except StoreError as error:
            raise Unclear(str(error), after, head.mark) from None
        if not done:
            await self._refuse(conditions, state, origin)
        return after

    async def _counted(self) -> _Counted:
        index, digest = await self.counted_index()
        return _Counted(digest, len(index))

    async def _refuse(self, conditions: Mapping[Field, bytes | None], state: State, origin: Origin) -> None:
        """Say on which condition a commit was not done. Raises LockLost, Conflict, StoreError."""
        fence = (await self.shelf.get(FENCE[0], [FENCE[1]]))[0]
        if fence != conditions[FENCE]:
            raise LockLost(origin.token)
        raise Conflict(None, state.generation, (await self.state()).generation)


def read_state(raw: bytes | None) -> State:
    """Return the state that bytes say. Raises ConfigError."""
    if raw is None:
        return State()
    try:
        state = msgspec.msgpack.decode(raw, type=State)
    except msgspec.DecodeError:
        raise ConfigError("store: state", "the state of the configuration cannot be read") from None
    if state.format > FORMAT:
        what = f"the configuration was written by a newer version (format {state.format}, known {FORMAT})"
        raise ConfigError("store: state", what, "update this node")
    return state


def read_entry(raw: bytes | None) -> Entry | None:
    """Return what a field of the index says, None when it says nothing that can be read."""
    try:
        return msgspec.msgpack.decode(raw, type=Entry) if raw is not None else None
    except msgspec.DecodeError:
        return None


def _checked(changes: Sequence[Change], before: Mapping[Key, Entry], *, anew: bool = False) -> dict[Key, bytes | None]:
    """Return what has to be written, by key: unless anew without what is there. Raises Conflict, ConfigError."""
    packed: dict[Key, bytes | None] = {}
    for change in changes:
        old = before.get(change.key)
        found = old.generation if old is not None else 0
        if change.expected is not None and change.expected != found:
            raise Conflict(change.key, change.expected, found)
        if change.key in packed:
            raise ConfigError(str(change.key), "is changed twice by one commit")
        packed[change.key] = pack(change.content) if change.content is not None else None
    if sum(len(one) for one in packed.values() if one is not None) > LARGEST_COMMIT_BYTES:
        raise ConfigError("", f"the changes are longer than {LARGEST_COMMIT_BYTES} bytes", "apply them in parts")
    return {key: one for key, one in packed.items() if (anew and one) or not _is_there(one, before.get(key))}


def _is_there(packed: bytes | None, old: Entry | None) -> bool:
    if packed is None or old is None:
        return packed is None and old is None
    return checksum_of(packed) == old.checksum


@dataclass(frozen=True, slots=True)
class _Counted:
    """The digest of all documents, and how many they are."""

    digest: int
    documents: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a commit is going to write, worked out from what was read.

    counted: what there is before it.
    before:  index entries of the documents; packed: their new contents; sealed: their envelopes as they were.
    """

    state: State
    generation: int
    counted: _Counted
    before: Mapping[Key, Entry]
    packed: Mapping[Key, bytes | None]
    sealed: Mapping[Key, bytes | None]

    def made(self, origin: Origin) -> tuple[Head, State]:
        """Return what history will say, and the next state. Raises ConfigError."""
        state, generation = self.state, self.generation
        digest, count = self.counted.digest, self.counted.documents
        changes = []
        for key, packed in self.packed.items():
            old = self.before.get(key)
            new = Entry(generation, checksum_of(packed)) if packed is not None else None
            digest ^= mark(key, old) ^ mark(key, new)
            count += (new is not None) - (old is not None)
            changes.append(Changed.of(key, old, new))
        if count > MOST_DOCUMENTS:
            raise ConfigError("", f"the store would hold more than {MOST_DOCUMENTS} documents")
        past_bytes = len(self.past())
        head = Head(
            generation, now(), origin.author, origin.note, origin.token, uuid.uuid4().hex, tuple(changes), past_bytes
        )
        return head, msgspec.structs.replace(
            state,
            cluster=state.cluster or uuid.uuid4().hex,
            generation=generation,
            digest=digest_text(digest),
            documents=count,
            at=head.at,
            oldest=state.oldest if state.generation else generation,
            past_bytes=state.past_bytes + past_bytes,
        )

    def past(self) -> bytes:
        """Return what history remembers of the documents."""
        return Past({str(key): self.sealed.get(key) for key in self.packed}).packed()

    def values(self, head: Head, after: State) -> dict[Field, bytes | None]:
        """Return all fields to be written."""
        generation = str(head.generation)
        values: dict[Field, bytes | None] = {
            STATE: msgspec.msgpack.encode(after),
            (names.CLUSTER_HISTORY, generation): head.packed(),
            (names.CLUSTER_PAST, generation): self.past(),
        }
        for key, packed in self.packed.items():
            entry = Entry(head.generation, checksum_of(packed)) if packed is not None else None
            values[names.CLUSTER_DOCUMENTS, str(key)] = seal(packed, head.generation) if packed is not None else None
            values[names.CLUSTER_INDEX, str(key)] = msgspec.msgpack.encode(entry) if entry is not None else None
        return values
