"""A process that writes to the shared configuration again and again, and keeps a diary of what came of it.

    python -m tests.cluster_writer KIND FOLDER PORT NAME DIARY

Every commit counts `total` up by one and writes the writer's own number to a document of its own, so that a checker can
tell whether anything was lost, torn, reordered or taken twice. The lease is short, so that a pause outlasts it.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.shelves import opened, put, redis_at

from sluicegate.cluster import history, sqlite_shelf
from sluicegate.cluster.document import API, Key, content_of
from sluicegate.cluster.documents import Change, Documents, State
from sluicegate.cluster.errors import Conflict, LockBusy, LockLost, Unclear
from sluicegate.cluster.lock import Lock
from sluicegate.cluster.writer import Writer
from sluicegate.errors import StoreError

LEASE_S = 0.4
TOTAL = Key(API, "total")


async def count(documents: Documents, key: Key) -> int:
    """Return the number that a document holds."""
    envelope = (await documents.fetch([key]))[key]
    if envelope is None:
        return 0
    assert not isinstance(envelope, Exception), envelope
    return int(content_of(envelope.content, key).classic)


async def write(documents: Documents, name: str, number: int, diary: int) -> None:
    """Make one commit, and say what came of it."""

    async def tell(_state: State) -> None:
        """Nobody listens."""

    async def prepare(_state: State) -> Sequence[Change]:
        total = await count(documents, TOTAL)
        await asyncio.sleep(random.choice([0, 0, 0, 0.002]))
        return [put("total", str(total + 1)), put(name, str(number))]

    writer = Writer(documents, Lock(documents.shelf, LEASE_S), tell)
    os.write(diary, b"try %d\n" % number)
    try:
        state = await writer.commit(prepare, name, str(number))
        said = f"done {number} {state.generation}"
    except Unclear:
        said = f"unclear {number}"
    except (Conflict, LockLost, LockBusy) as error:
        said = f"refused {number} {type(error).__name__}"
    except StoreError:
        said = f"failed {number}"
        await asyncio.sleep(0.05)
    os.write(diary, f"{said}\n".encode())


async def main(kind: str, folder: str, port: str, name: str, diary: str) -> None:
    history.MOST_GENERATIONS = 1 << 30
    # A clock that leaps ahead now and then: then a lock that is held looks as if its lease had ended.
    sqlite_shelf.now = lambda: time.time() + (3 * LEASE_S if random.random() < 0.01 else 0)  # type: ignore[attr-defined]
    path = Path(diary)
    number = sum(line.startswith("try") for line in path.read_text().splitlines()) if path.exists() else 0
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    async with opened(kind, Path(folder), redis_at(int(port))) as shelf:
        while True:
            number += 1
            await write(Documents(shelf), name, number, file)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
