"""What happened: what writers and readers wrote into their diaries, and what the store remembers.

Times are those of the machine's monotonic clock, which all processes share and which no leap of a clock touches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sluicegate.cluster.digest import digest_of, digest_text
from sluicegate.cluster.document import API, Key, content_of, open_envelope
from sluicegate.cluster.documents import Documents
from sluicegate.cluster.history import Head
from sluicegate.errors import ConfigError
from sluicegate.store import names

TOTAL = "total"
ANSWERED, REFUSED, FAILED, UNCLEAR, CUT_SHORT = "answered", "refused", "failed", "unclear", "cut short"
"""What came of a call: done; not done, for a reason; not done, the store is away; not known, and said so; the writer
was killed before it knew."""


@dataclass(frozen=True)
class Call:
    """A write as its writer saw it; generation: what it was told, 0 when it was told none."""

    writer: str
    number: int
    called_s: float
    ended_s: float = math.inf
    outcome: str = CUT_SHORT
    generation: int = 0


@dataclass(frozen=True)
class Version:
    """A document: the number that it holds, and the generation that it says it was written by."""

    number: int
    generation: int


UNREADABLE = Version(-1, -1)


@dataclass(frozen=True)
class Commit:
    """A write as the store remembers it; after: the documents that it changed, as it left them."""

    generation: int
    token: int
    writer: str
    number: int
    after: Mapping[str, Version]


@dataclass(frozen=True)
class Reading:
    """What a node had in force at one time: numbers by document."""

    reader: str
    at_s: float
    generation: int
    numbers: Mapping[str, int]


@dataclass(frozen=True)
class Switch:
    """A fail-over: when the master was hurt, and when it was there again, taking itself for the master."""

    began_s: float
    back_s: float


@dataclass
class History:
    """All of it. last: the generation the store is at; is_digest_right: whether its digest is that of all it holds."""

    calls: list[Call]
    commits: list[Commit]
    readings: list[Reading] = field(default_factory=list)
    switches: list[Switch] = field(default_factory=list)
    last: int = 0
    is_digest_right: bool = True


def calls_of(writer: str, diary: str) -> list[Call]:
    """Return what a writer's diary says: `call NUMBER TIME`, then `OUTCOME NUMBER TIME GENERATION` if it knew one."""
    calls: dict[int, Call] = {}
    for line in diary.splitlines():
        what, number, at_s, *more = line.split()
        if what == "call":
            calls[int(number)] = Call(writer, int(number), float(at_s))
        else:
            called_s = calls[int(number)].called_s
            calls[int(number)] = Call(writer, int(number), called_s, float(at_s), what, int(more[0]))
    return list(calls.values())


def readings_of(reader: str, diary: str) -> list[Reading]:
    """Return what a reader's diary says: `TIME GENERATION DOCUMENT=NUMBER …`."""
    readings = []
    for line in diary.splitlines():
        at_s, generation, *numbers = line.split()
        held = {name: int(number) for name, _, number in (one.partition("=") for one in numbers)}
        readings.append(Reading(reader, float(at_s), int(generation), held))
    return readings


def read_diaries(paths: Iterable[Path]) -> History:
    """Return what the diaries in some files say, named `WRITER.calls` and `READER.readings`."""
    history = History([], [])
    for path in paths:
        text = path.read_text()
        whole = text[: text.rfind("\n") + 1]
        if path.suffix == ".calls":
            history.calls += calls_of(path.stem, whole)
        else:
            history.readings += readings_of(path.stem, whole)
    return history


async def read_store(documents: Documents, history: History) -> None:
    """Add what the store remembers. Raises StoreError, ConfigError."""
    state = await documents.state()
    index = await documents.index()
    history.last = state.generation
    history.is_digest_right = state.digest == digest_text(digest_of(index))
    generations = range(state.generation, 0, -1)
    heads, pasts = await documents.heads(generations), await documents.past(generations)
    held = {key: await _sealed(documents, key) for key in index}
    commits = []
    for head, past in zip(heads, pasts, strict=True):
        if head is not None:
            commits.append(_commit(head, held))
        if past is not None:
            held |= {Key.read(text): envelope for text, envelope in past.envelopes.items()}
    history.commits = commits[::-1]


async def _sealed(documents: Documents, key: Key) -> bytes | None:
    raws: Sequence[bytes | None] = await documents.shelf.get(names.CLUSTER_DOCUMENTS, [str(key)])
    return raws[0]


def _commit(head: Head, held: Mapping[Key, bytes | None]) -> Commit:
    after = {one.id: version(held.get(one.key), one.id) for one in head.changes}
    return Commit(head.generation, head.token, head.author, int(head.note), after)


def version(sealed: bytes | None, name: str) -> Version:
    """Return what a document in the store holds."""
    key = Key(API, name)
    try:
        envelope = open_envelope(sealed or b"", key)
        return Version(int(content_of(envelope.content, key).classic), envelope.generation)
    except ConfigError:
        return UNREADABLE
