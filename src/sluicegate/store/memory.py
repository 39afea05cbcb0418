"""A store that lives and dies with the process: for rehearsals (`cli.rehearsal`) and tests."""

from __future__ import annotations

from sluicegate.store.sqlite import SqliteBackend


class MemoryBackend(SqliteBackend):
    """The embedded store without a file. One worker only: nobody else can see it."""

    def __init__(self) -> None:
        super().__init__(None)
