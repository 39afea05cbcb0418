"""What every generation changed, bounded by number and by length.

A head says who, when and which documents; the past of a generation is what those documents were before it. So the way
back to a generation is to undo what came after it, the latest first (`overrides`).
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from sluicegate.cluster.document import Entry, Key

if TYPE_CHECKING:
    from sluicegate.cluster.documents import State

MOST_GENERATIONS = 1000
MOST_PAST_BYTES = 64 << 20
SOME_HEADS = 50

ADDED, MODIFIED, DELETED = "added", "modified", "deleted"


def action_of(old: object | None, new: object | None) -> str:
    """Return what happened to a document that was so, and is so now; None: it was, or is, not there."""
    return ADDED if old is None else DELETED if new is None else MODIFIED


class Changed(msgspec.Struct, frozen=True, array_like=True):
    """What a generation did to one document: added, modified or deleted; the checksums before and after."""

    kind: str
    id: str
    action: str
    before: bytes
    after: bytes

    @property
    def key(self) -> Key:
        """The key of the document."""
        return Key(self.kind, self.id)

    @classmethod
    def of(cls, key: Key, old: Entry | None, new: Entry | None) -> Changed:
        """Return what turned one version into another."""
        return cls(key.kind, key.id, action_of(old, new), old.checksum if old else b"", new.checksum if new else b"")


class Head(msgspec.Struct, frozen=True, array_like=True):
    """What a generation did.

    at:     seconds since 1970, by the clock of the writer.
    token:  of the lock under which it was written.
    mark:   made up by the writer, who can tell its own commit by it.
    """

    generation: int
    at: float
    author: str
    note: str
    token: int
    mark: str
    changes: tuple[Changed, ...]
    past_bytes: int

    def packed(self) -> bytes:
        """Return it as bytes."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def read(cls, raw: bytes | None) -> Head | None:
        """Return what bytes say, None when it is nothing that can be read."""
        try:
            return msgspec.msgpack.decode(raw, type=cls) if raw is not None else None
        except msgspec.DecodeError:
            return None


class Past(msgspec.Struct, frozen=True, array_like=True):
    """Envelopes of documents as they were before a generation, None for those that it added; by `kind/id`."""

    envelopes: dict[str, bytes | None]

    def packed(self) -> bytes:
        """Return it as bytes."""
        return zlib.compress(msgspec.msgpack.encode(self), 1)

    @classmethod
    def read(cls, raw: bytes | None) -> Past | None:
        """Return what bytes say, None when it is nothing that can be read."""
        try:
            return msgspec.msgpack.decode(zlib.decompress(raw), type=cls) if raw is not None else None
        except (msgspec.DecodeError, zlib.error):
            return None


@dataclass(frozen=True, slots=True)
class Gone:
    """What history forgets with a commit, and what it holds then."""

    generations: Sequence[int]
    oldest: int
    past_bytes: int


async def pruned(heads: Callable[[Iterable[int]], Awaitable[list[Head | None]]], state: State) -> Gone:
    """Return what has to be forgotten so that a state's history keeps to its bounds."""
    oldest, past_bytes = state.oldest, state.past_bytes
    gone: list[int] = []
    while oldest < state.generation and (state.generation - oldest >= MOST_GENERATIONS or past_bytes > MOST_PAST_BYTES):
        some = range(oldest, min(oldest + SOME_HEADS, state.generation))
        for generation, head in zip(some, await heads(some), strict=True):
            if state.generation - generation < MOST_GENERATIONS and past_bytes <= MOST_PAST_BYTES:
                break
            gone.append(generation)
            past_bytes -= head.past_bytes if head is not None else 0
            oldest = generation + 1
    return Gone(gone, oldest, max(0, past_bytes))


def overrides(pasts: Iterable[Past | None]) -> Mapping[Key, bytes | None] | None:
    """Return what differs from now in an earlier generation; None when history has a hole.

    pasts: of all generations after it, the latest first.
    """
    found: dict[Key, bytes | None] = {}
    for past in pasts:
        if past is None:
            return None
        found.update({Key.read(text): envelope for text, envelope in past.envelopes.items()})
    return found
