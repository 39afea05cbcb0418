"""A process that writes to the shared configuration again and again, and keeps a diary of what came of it.

    python -m tests.soak.writer PLACE NAME DIARY

PLACE says where the store is (`stores.Place`). The lease is short, so that a pause outlasts it. The diary is written
before a call and after it, each line in one step, so it is whole whenever the writer is killed.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.shelves import put
from tests.soak.history import ANSWERED, FAILED, REFUSED, TOTAL, UNCLEAR
from tests.soak.stores import Place

from sluicegate.cluster import history
from sluicegate.cluster.document import API, Key, content_of
from sluicegate.cluster.documents import Change, Documents, State
from sluicegate.cluster.errors import Conflict, LockBusy, LockLost, Unclear
from sluicegate.cluster.lock import Lock
from sluicegate.cluster.writer import Writer
from sluicegate.errors import StoreError

LEASE_S = 0.4
WAIT_S = 5.0


class Diary:
    """A file that lines are added to."""

    def __init__(self, path: Path) -> None:
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(self, *words: object) -> None:
        """Add a line."""
        os.write(self.file, (" ".join(map(str, words)) + "\n").encode())


def calls_in(path: Path) -> int:
    """Return how many calls a diary tells of: numbers go on after those, also when the last line is not whole."""
    return path.read_text().count("call ") if path.exists() else 0


async def number_in(documents: Documents, key: Key) -> int:
    """Return the number that a document holds, 0 when it is not there."""
    envelope = (await documents.fetch([key]))[key]
    if envelope is None:
        return 0
    assert not isinstance(envelope, Exception), envelope
    return int(content_of(envelope.content, key).classic)


async def write(documents: Documents, name: str, number: int, diary: Diary) -> None:
    """Make one commit, and say what came of it."""

    async def tell(_state: State) -> None:
        """Nobody listens."""

    async def prepare(_state: State) -> Sequence[Change]:
        total = await number_in(documents, Key(API, TOTAL))
        await asyncio.sleep(random.choice([0, 0, 0, 0.002]))
        return [put(TOTAL, str(total + 1)), put(name, str(number))]

    writer = Writer(documents, Lock(documents.shelf, LEASE_S, WAIT_S), tell)
    diary.note("call", number, time.monotonic())
    generation = 0
    try:
        generation = (await writer.commit(prepare, name, str(number))).generation
        outcome = ANSWERED
    except Unclear:
        outcome = UNCLEAR
    except (Conflict, LockLost, LockBusy):
        outcome = REFUSED
    except StoreError:
        outcome = FAILED
    diary.note(outcome, number, time.monotonic(), generation)
    if outcome in (UNCLEAR, FAILED):
        await asyncio.sleep(0.05)


async def main(place: str, name: str, path: str) -> None:
    """Write until killed."""
    history.MOST_GENERATIONS = history.MOST_PAST_BYTES = 1 << 40  # the checker wants all of it
    number = calls_in(Path(path))
    diary = Diary(Path(path))
    async with Place.read(place).opened() as shelf:
        while True:
            number += 1
            await write(Documents(shelf), name, number, diary)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
