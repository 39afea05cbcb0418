"""The last good configuration on the node's own disk: what it starts and serves from when the store is away.

It holds what was in force, not what the store had: of a document that was refused, the version before it. A change of
it is one transaction, and every document has its checksum, so a crash or a bad disk leaves whole documents or fewer,
never half of one. A file that cannot be used is put aside and begun anew.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from sluicegate.cluster.document import Envelope, Key, open_envelope
from sluicegate.cluster.documents import State, read_state
from sluicegate.errors import ConfigError, StoreError
from sluicegate.store.sqlite_file import make_private

LAYOUT = 1
BUSY_TIMEOUT_S = 5.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB);
CREATE TABLE IF NOT EXISTS document (name TEXT PRIMARY KEY, envelope BLOB) WITHOUT ROWID;
"""


@dataclass(slots=True)
class Saved:
    """What a snapshot holds. problems: documents in it that are not whole."""

    state: State
    documents: dict[Key, Envelope] = field(default_factory=dict)
    problems: list[ConfigError] = field(default_factory=list)


class Snapshot:
    """The file. Its calls wait for the disk: make them in a thread, one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None

    def load(self) -> Saved | None:
        """Return what was saved, None when nothing was. Raises StoreError when the file cannot be used."""
        if not self.path.exists():
            return None
        try:
            db = self._opened()
            row = db.execute("SELECT value FROM state").fetchone()
            rows = db.execute("SELECT name, envelope FROM document").fetchall()
        except (sqlite3.Error, OSError) as error:
            self._set_aside()
            raise StoreError(f"{self.path}: the snapshot cannot be read: {error}") from None
        if row is None:
            return None
        try:
            saved = Saved(read_state(row[0]))
        except ConfigError as error:
            raise StoreError(f"{self.path}: {error.what}") from None
        for name, envelope in rows:
            key = Key.read(name)
            try:
                saved.documents[key] = open_envelope(envelope, key)
            except ConfigError as error:
                saved.problems.append(ConfigError(f"{self.path}: {key}", error.what))
        return saved

    def save(self, state: State, changed: Mapping[Key, Envelope | None]) -> None:
        """Take over changes, None for what is gone. Raises StoreError; then it is as it was."""
        try:
            db = self._opened()
            with db:
                db.execute("BEGIN IMMEDIATE")
                for key, envelope in changed.items():
                    if envelope is None:
                        db.execute("DELETE FROM document WHERE name = ?", (str(key),))
                    else:
                        row = (str(key), msgspec.msgpack.encode(envelope))
                        db.execute("INSERT OR REPLACE INTO document VALUES (?, ?)", row)
                db.execute("INSERT OR REPLACE INTO state VALUES (1, ?)", (msgspec.msgpack.encode(state),))
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise StoreError(f"{self.path}: the snapshot cannot be written: {error}") from None

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            make_private(self.path)
            self._db = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
            layout = self._db.execute("PRAGMA user_version").fetchone()[0]
            if layout > LAYOUT:
                raise sqlite3.DatabaseError(f"written by a newer version (layout {layout}, known {LAYOUT})")
            self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {LAYOUT}; COMMIT;")
        return self._db

    def _set_aside(self) -> None:
        """Rename a file that cannot be used, so that the next one is written whole."""
        self.close()
        with contextlib.suppress(OSError):
            self.path.replace(self.path.with_name(self.path.name + ".damaged"))
