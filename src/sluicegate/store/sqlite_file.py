"""The file of the embedded store: opening it, its tables, and what is said when it is damaged.

Write-ahead logging lets every worker read while one writes. `synchronous=FULL` has each commit on the disk before
anybody hears that it was done, so neither a killed process nor a power cut takes it back.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from sluicegate.clock import ticks
from sluicegate.errors import StoreError

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 5.0
PRIMARY_CODE = 0xFF
LOOK_MS = 3
"""How long SQLite waits by itself for its turn to write: at ever longer intervals it would miss the short moments
between two writes of somebody who has many, for seconds."""

# A collection is an entry without a value; its members go when the entry goes. Names are stored as bytes, because a
# token may hold any.
SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (name BLOB PRIMARY KEY, value BLOB, expires REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_expires ON entry (expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS item (
    position INTEGER PRIMARY KEY, name BLOB NOT NULL REFERENCES entry (name) ON DELETE CASCADE, value BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS item_name ON item (name, position);
CREATE TABLE IF NOT EXISTS member (
    name BLOB NOT NULL REFERENCES entry (name) ON DELETE CASCADE, member BLOB NOT NULL, score REAL NOT NULL,
    PRIMARY KEY (name, member)) WITHOUT ROWID;
"""


def connect(path: Path | None) -> sqlite3.Connection:
    """Open the store's file, which is made when there is none; no path is a store in memory. Raises StoreError."""
    try:
        if path is not None:
            make_private(path)
        # The caller keeps to one thread at a time for each connection.
        connection = sqlite3.connect(
            path if path is not None else ":memory:",
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _prepare(connection, path)
    except (sqlite3.Error, OSError) as error:
        raise fault(path, error) from error
    return connection


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Open the store's file for `begin_to_write`. Raises StoreError."""
    connection = connect(path)
    connection.execute(f"PRAGMA busy_timeout = {LOOK_MS}")
    return connection


def begin_to_write(connection: sqlite3.Connection) -> None:
    """Begin a transaction when it is our turn, and wait for that. Raises sqlite3.Error after BUSY_TIMEOUT_S."""
    deadline = ticks() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & PRIMARY_CODE != sqlite3.SQLITE_BUSY or ticks() > deadline:
                raise
        else:
            return


def check(path: Path) -> None:
    """Read the whole file and raise StoreError when it is damaged. For the start, before any worker opens it."""
    connection = connect(path)
    try:
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise fault(path, error) from error
    finally:
        connection.close()
    if verdict != "ok":
        raise StoreError(f"{path}: the store is damaged ({verdict}); {WAY_OUT}")


WAY_OUT = "put a copy back or move the file away to start with an empty store"


def fault(path: Path | None, error: Exception) -> StoreError:
    """Return what to tell about an error of SQLite or of the file system."""
    where = str(path) if path is not None else "store in memory"
    text = str(error)
    if "not a database" in text or "malformed" in text:
        return StoreError(f"{where}: the store is damaged ({text}); {WAY_OUT}")
    return StoreError(f"{where}: {text}")


def which_file(path: Path | None) -> tuple[int, int] | None:
    """Return what tells the file of that name from any other; None: there is none.

    SQLite does not notice when its file is not there any more: what is written then is lost with the last who has it
    open, though it was answered.
    """
    try:
        status = path.stat() if path is not None else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status is not None else None


def make_private(path: Path) -> None:
    """Make a file that only its owner can read, unless it is there: what is in the store opens doors.

    One that is there is not even opened: to close it would take from this process all locks that it has on it.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _prepare(connection: sqlite3.Connection, path: Path | None) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > SCHEMA_VERSION:
        raise StoreError(f"{path}: the store was written by a newer version (layout {found}, known {SCHEMA_VERSION})")
    if found < SCHEMA_VERSION:
        connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
