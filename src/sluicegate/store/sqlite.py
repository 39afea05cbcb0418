"""The embedded store: one SQLite file that all workers of a node share.

Reads are answered on the spot, in a few microseconds, from a connection of their own. Writes go to a thread, because
each waits for the disk; they are safe when they return. Messages reach the listeners of this process only: workers
learn of each other's writes by the stamps in `store.shared_counters`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, TypeVar

from sluicegate.clock import now, ticks
from sluicegate.errors import StoreError
from sluicegate.store.backend import MISSING, NO_EXPIRY, Health, Listener, LocalBackend
from sluicegate.store.sqlite_file import begin_to_write, connect, connect_to_write, fault, which_file
from sluicegate.store.tokens import to_bytes

SWEEP_INTERVAL_S = 60.0
SWEEP_ROWS = 1000

T = TypeVar("T")

# What has expired is gone for every reader, though its row may wait for the sweep.
GET = "SELECT value FROM entry WHERE name = ? AND (expires IS NULL OR expires > ?)"
GET_EXPIRY = "SELECT expires FROM entry WHERE name = ? AND (expires IS NULL OR expires > ?)"
SET_EXPIRY = "UPDATE entry SET expires = ? WHERE name = ? AND (expires IS NULL OR expires > ?)"
SWAP = "UPDATE entry SET value = ? WHERE name = ? AND value = ? AND (expires IS NULL OR expires > ?)"
INSERT = "INSERT INTO entry VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
SCAN = "SELECT name FROM entry WHERE name >= ? AND name < ? AND (expires IS NULL OR expires > ?)"
GET_ITEMS = """
SELECT item.value FROM item JOIN entry USING (name)
WHERE name = ? AND (expires IS NULL OR expires > ?) ORDER BY position
"""
GET_MEMBERS = """
SELECT member, score FROM member JOIN entry USING (name)
WHERE name = ? AND (expires IS NULL OR expires > ?) AND score BETWEEN ? AND ? ORDER BY score, member
"""
DELETE_EMPTY = """
DELETE FROM entry WHERE name = ? AND value IS NULL
AND NOT EXISTS (SELECT 1 FROM item WHERE item.name = entry.name)
AND NOT EXISTS (SELECT 1 FROM member WHERE member.name = entry.name)
"""


class SqliteBackend(LocalBackend):
    """A store in a file. Raises StoreError when the file cannot be used."""

    kind: ClassVar[str] = "embedded"

    def __init__(self, path: Path | None) -> None:
        """Open the file, or a store in memory when `path` is None."""
        self._path = path
        self._reader = connect(path)
        self._writer = connect_to_write(path) if path is not None else self._reader
        self._thread = ThreadPoolExecutor(1, "store-writer") if path is not None else None
        self._opened = which_file(path)
        self._listeners: dict[str, list[Listener]] = {}
        self._sweep_at = 0.0

    # values

    def mget_now(self, names: Sequence[str]) -> list[bytes | None]:
        found: list[bytes | None] = []
        for name in names:
            row = self.read(GET, to_bytes(name), now())
            found.append(row[0][0] if row else None)
        return found

    async def mget(self, names: Sequence[str]) -> list[bytes | None]:
        return self.mget_now(names)

    async def set(self, name: str, value: bytes, ttl_s: float = 0) -> None:
        def change(db: sqlite3.Connection) -> None:
            _remove(db, name)
            db.execute(INSERT, (to_bytes(name), value, _expires(ttl_s)))

        await self.transact(change)

    async def add(self, name: str, value: bytes, ttl_s: float = 0) -> bool:
        def change(db: sqlite3.Connection) -> bool:
            _remove_expired(db, name)
            return db.execute(INSERT, (to_bytes(name), value, _expires(ttl_s))).rowcount == 1

        return await self.transact(change)

    async def swap(self, name: str, before: bytes, after: bytes, ttl_s: float | None = None) -> bool:
        def change(db: sqlite3.Connection) -> bool:
            is_same = db.execute(SWAP, (after, to_bytes(name), before, now())).rowcount == 1
            if is_same and ttl_s is not None:
                db.execute(SET_EXPIRY, (_expires(ttl_s), to_bytes(name), now()))
            return is_same

        return await self.transact(change)

    async def delete(self, *names: str) -> int:
        def change(db: sqlite3.Connection) -> int:
            for name in names:
                _remove_expired(db, name)
            return sum(_remove(db, name) for name in names)

        return await self.transact(change)

    async def take(self, name: str) -> bytes | None:
        def change(db: sqlite3.Connection) -> bytes | None:
            row = db.execute(GET, (to_bytes(name), now())).fetchone()
            _remove(db, name)
            return row[0] if row else None

        return await self.transact(change)

    async def exists(self, name: str) -> bool:
        return bool(self.read(GET_EXPIRY, to_bytes(name), now()))

    async def ttl_s(self, name: str) -> float:
        moment = now()
        row = self.read(GET_EXPIRY, to_bytes(name), moment)
        if not row:
            return MISSING
        expires = row[0][0]
        return NO_EXPIRY if expires is None else expires - moment

    async def expire(self, name: str, ttl_s: float) -> bool:
        def change(db: sqlite3.Connection) -> bool:
            return db.execute(SET_EXPIRY, (_expires(ttl_s), to_bytes(name), now())).rowcount == 1

        return await self.transact(change)

    async def scan(self, prefix: str, containing: str = "") -> list[str]:
        start, wanted = to_bytes(prefix), to_bytes(containing)
        rows = self.read(SCAN, start, _after(start), now())
        return [name.decode("utf-8", "surrogateescape") for (name,) in rows if wanted in name[len(start) :]]

    # lists, sets, sorted sets

    async def list_append(self, name: str, *values: bytes) -> None:
        def change(db: sqlite3.Connection) -> None:
            _make_collection(db, name)
            rows = [(to_bytes(name), value) for value in values]
            db.executemany("INSERT INTO item (name, value) VALUES (?, ?)", rows)

        await self.transact(change)

    async def list_items(self, name: str) -> list[bytes]:
        return [row[0] for row in self.read(GET_ITEMS, to_bytes(name), now())]

    async def list_remove(self, name: str, value: bytes) -> int:
        return await self.transact(lambda db: _take(db, "DELETE FROM item WHERE name = ? AND value = ?", name, value))

    async def set_add(self, name: str, *members: bytes) -> None:
        def change(db: sqlite3.Connection) -> None:
            _make_collection(db, name)
            rows = [(to_bytes(name), member) for member in members]
            db.executemany("INSERT INTO member VALUES (?, ?, 0) ON CONFLICT DO NOTHING", rows)

        await self.transact(change)

    async def set_remove(self, name: str, *members: bytes) -> None:
        def change(db: sqlite3.Connection) -> None:
            for member in members:
                _take(db, "DELETE FROM member WHERE name = ? AND member = ?", name, member)

        await self.transact(change)

    async def set_members(self, name: str) -> list[bytes]:
        return [row[0] for row in self.read(GET_MEMBERS, to_bytes(name), now(), 0, 0)]

    async def sorted_add(self, name: str, member: bytes, score: float) -> None:
        def change(db: sqlite3.Connection) -> None:
            _make_collection(db, name)
            db.execute("INSERT OR REPLACE INTO member VALUES (?, ?, ?)", (to_bytes(name), member, score))

        await self.transact(change)

    async def sorted_range(self, name: str, lowest: float, highest: float) -> list[tuple[bytes, float]]:
        return self.read(GET_MEMBERS, to_bytes(name), now(), lowest, highest)

    async def sorted_remove(self, name: str, lowest: float, highest: float) -> int:
        sql = "DELETE FROM member WHERE name = ? AND score BETWEEN ? AND ?"
        return await self.transact(lambda db: _take(db, sql, name, lowest, highest))

    async def sorted_discard(self, name: str, *members: bytes) -> int:
        sql = "DELETE FROM member WHERE name = ? AND member = ?"
        return await self.transact(lambda db: sum(_take(db, sql, name, member) for member in members))

    # messages

    async def publish(self, channel: str, message: bytes) -> None:
        for listener in self._listeners.get(channel, ()):
            listener(message)

    def subscribe(self, channel: str, listener: Listener, on_gap: Callable[[], None] | None = None) -> None:
        self._listeners.setdefault(channel, []).append(listener)

    # life

    async def health(self) -> Health:
        started = ticks()
        try:
            await self.transact(lambda db: db.execute("SELECT count(*) FROM sqlite_schema").fetchone())
        except StoreError as error:
            return Health(self.kind, False, ticks() - started, str(error))
        return Health(self.kind, True, ticks() - started)

    async def close(self) -> None:
        if self._thread is not None:
            await asyncio.to_thread(self._thread.shutdown)
            self._writer.close()
        self._reader.close()

    def read(self, sql: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        try:
            return self._reader.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise fault(self._path, error) from error

    async def transact(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Do a change as one transaction, off the road. Raises StoreError; then nothing has changed."""
        if self._thread is None:
            return self._transact(change)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, change)

    def _transact(self, change: Callable[[sqlite3.Connection], T]) -> T:
        db = self._writer
        if which_file(self._path) != self._opened:
            raise StoreError(
                f"{self._path}: the store was moved or replaced; start the node anew to go by what is there"
            )
        try:
            begin_to_write(db)
            try:
                self._sweep(db)
                result = change(db)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise fault(self._path, error) from error
        return result

    def _sweep(self, db: sqlite3.Connection) -> None:
        """Once in a while, remove some of what has expired: a write that happens anyway pays for it."""
        if ticks() < self._sweep_at:
            return
        sql = "DELETE FROM entry WHERE name IN (SELECT name FROM entry WHERE expires <= ? LIMIT ?)"
        full = db.execute(sql, (now(), SWEEP_ROWS)).rowcount == SWEEP_ROWS
        self._sweep_at = ticks() + (0 if full else SWEEP_INTERVAL_S)


def _expires(ttl_s: float) -> float | None:
    return now() + ttl_s if ttl_s > 0 else None


def _after(prefix: bytes) -> bytes:
    """Return the first name behind all that begin with the prefix."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else b"\xff" * 64


def _remove(db: sqlite3.Connection, name: str) -> int:
    return db.execute("DELETE FROM entry WHERE name = ?", (to_bytes(name),)).rowcount


def _remove_expired(db: sqlite3.Connection, name: str) -> None:
    db.execute("DELETE FROM entry WHERE name = ? AND expires <= ?", (to_bytes(name), now()))


def _make_collection(db: sqlite3.Connection, name: str) -> None:
    _remove_expired(db, name)
    db.execute(INSERT, (to_bytes(name), None, None))


def _take(db: sqlite3.Connection, sql: str, name: str, *values: object) -> int:
    """Remove rows of a collection, and the collection when none is left."""
    _remove_expired(db, name)
    key = to_bytes(name)
    taken = db.execute(sql, (key, *values)).rowcount
    db.execute(DELETE_EMPTY, (key,))
    return taken
