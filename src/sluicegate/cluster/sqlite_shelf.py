"""The shelf in the embedded store, which several nodes of one machine may share: maps are entries with longer names."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence

from sluicegate.clock import now
from sluicegate.cluster.shelf import Field, Shelf
from sluicegate.store.sqlite import SqliteBackend
from sluicegate.store.tokens import to_bytes

GET = "SELECT value FROM entry WHERE name = ? AND (expires IS NULL OR expires > ?)"
PUT = "INSERT OR REPLACE INTO entry VALUES (?, ?, ?)"
REMOVE = "DELETE FROM entry WHERE name = ?"
# A lock that would be held for longer than a lease is not: then the clock was put back since it was taken.
IS_HELD = "SELECT 1 FROM entry WHERE name = ? AND expires > ? AND expires <= ?"
SOME = "SELECT name, value FROM entry WHERE name > ? AND name < ? ORDER BY name LIMIT ?"
SOME_ROWS = 500


class SqliteShelf(Shelf):
    """Maps and a lock in the store's file. Everyone who sees the file sees the same clock."""

    def __init__(self, backend: SqliteBackend) -> None:
        self._backend = backend

    async def get(self, name: str, fields: Sequence[str]) -> list[bytes | None]:
        return self._backend.mget_now([_place(name, field) for field in fields])

    async def items(self, name: str) -> AsyncIterator[list[tuple[str, bytes]]]:
        prefix, end = to_bytes(f"{name}\0"), to_bytes(f"{name}\1")
        last = prefix
        while rows := self._backend.read(SOME, last, end, SOME_ROWS):
            last = rows[-1][0]
            yield [(row[0][len(prefix) :].decode("utf-8", "surrogateescape"), row[1]) for row in rows]

    async def change(self, expected: Mapping[Field, bytes | None], values: Mapping[Field, bytes | None]) -> bool:
        def change(db: sqlite3.Connection) -> bool:
            if any(_get(db, _place(*field)) != value for field, value in expected.items()):
                return False
            for field, value in values.items():
                _put(db, _place(*field), value)
            return True

        return await self._backend.transact(change)

    async def take_lock(self, name: str, holder: str, lease_s: float, fence: Field) -> int:
        def take(db: sqlite3.Connection) -> int:
            at = now()
            if db.execute(IS_HELD, (to_bytes(name), at, at + lease_s)).fetchone() is not None:
                return 0
            token = int(_get(db, _place(*fence)) or b"0") + 1
            _put(db, name, holder.encode(), at + lease_s)
            _put(db, _place(*fence), b"%d" % token)
            return token

        return await self._backend.transact(take)

    async def keep_lock(self, name: str, holder: str, lease_s: float) -> bool:
        def keep(db: sqlite3.Connection) -> bool:
            if _get(db, name) != holder.encode():
                return False
            _put(db, name, holder.encode() if lease_s > 0 else None, now() + lease_s)
            return True

        return await self._backend.transact(keep)


def _place(name: str, field: str) -> str:
    return f"{name}\0{field}"


def _get(db: sqlite3.Connection, name: str) -> bytes | None:
    row: tuple[bytes] | None = db.execute(GET, (to_bytes(name), now())).fetchone()
    return row[0] if row is not None else None


def _put(db: sqlite3.Connection, name: str, value: bytes | None, expires: float | None = None) -> None:
    if value is None:
        db.execute(REMOVE, (to_bytes(name),))
    else:
        db.execute(PUT, (to_bytes(name), value, expires))
