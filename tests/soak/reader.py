"""A process that follows the shared configuration as a node does, and notes what it has in force.

python -m tests.soak.reader PLACE NAME DIARY
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.soak.stores import Place
from tests.soak.writer import Diary

from sluicegate.cluster.document import Envelope, Key, content_of
from sluicegate.cluster.documents import Documents
from sluicegate.cluster.follow import Follower
from sluicegate.errors import ConfigError

PAUSE_S = 0.02


async def main(place: str, _name: str, path: str) -> None:
    """Follow until killed."""
    diary = Diary(Path(path))
    held: dict[str, int] = {}

    async def take_over(changed: Mapping[Key, Envelope | None]) -> dict[Key, ConfigError]:
        for key, envelope in changed.items():
            assert envelope is not None, "nobody removes anything"
            held[key.id] = int(content_of(envelope.content, key).classic)
        return {}

    async with Place.read(place).opened() as shelf:
        follower = Follower(Documents(shelf), take_over, lambda *_, **__: None, interval_s=1)
        noted = -1
        while True:
            await follower.look()
            # After a look that went wrong half-way it knows itself that what it has is not of one generation.
            if not follower.problem and follower.generation != noted:
                noted = follower.generation
                diary.note(time.monotonic(), noted, *(f"{name}={number}" for name, number in sorted(held.items())))
            await asyncio.sleep(PAUSE_S)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
