"""A folder of documents that is changed so that nothing is lost: whole files or none, and back again if it must be.

A file is written beside its place, flushed to the disk and renamed over it, so that neither a crash nor a full disk
leaves half of one. A `Change` remembers what was there before; when the node refuses what was written, `undo` puts it
back.
Changes of one folder wait for each other, over all workers: the lock is one of the kernel's on the folder itself and
ends with the process that holds it. What a process that was killed over a change had written beside its place goes away
with the next change: nobody else writes while the folder is held.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

from sluicegate.errors import SluicegateError

LOCK_TIMEOUT_S = 30.0
LOCK_POLL_S = 0.005
MODE = 0o644
LONGEST_ID_BYTES = 200
"""Longest id of a document: the name of its file, with what is put to it, has 255 bytes at most."""

LEFTOVER = re.compile(r"\..+\.[0-9]+\.tmp")


class FolderBusy(SluicegateError):
    """Another change of the folder did not end within LOCK_TIMEOUT_S."""


def is_too_long(document_id: str) -> bool:
    """Return whether no file can have this name."""
    return len(document_id.encode("utf-8", "surrogatepass")) > LONGEST_ID_BYTES


@contextlib.asynccontextmanager
async def locked(folder: Path) -> AsyncIterator[None]:
    """Hold the folder for one change. Raises FolderBusy, or OSError when the folder cannot be opened.

    It polls, because waiting in the kernel would stop this worker's loop, on which a reload of the holder may depend.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = asyncio.get_running_loop().time() + LOCK_TIMEOUT_S
        while not _try_lock(descriptor):
            if asyncio.get_running_loop().time() > deadline:
                raise FolderBusy(str(folder))
            await asyncio.sleep(LOCK_POLL_S)
        _remove_leftovers(folder)
        yield
    finally:
        os.close(descriptor)


class Change:
    """Files written and removed together, and what they held before."""

    def __init__(self) -> None:
        self._before: dict[Path, bytes | None] = {}

    def write(self, path: Path, content: bytes) -> None:
        """Put the content in the place of the file, whole. Raises OSError; then the file is as it was."""
        self._remember(path)
        _replace(path, content)

    def remove(self, path: Path) -> None:
        """Remove the file; one that is not there is no error. Raises OSError."""
        self._remember(path)
        path.unlink(missing_ok=True)

    def undo(self) -> None:
        """Put everything back that can be put back, the latest first."""
        for path, content in reversed(self._before.items()):
            with contextlib.suppress(OSError):
                if content is None:
                    path.unlink(missing_ok=True)
                else:
                    _replace(path, content)
        self._before.clear()

    def _remember(self, path: Path) -> None:
        if path not in self._before:
            self._before[path] = path.read_bytes() if path.exists() else None


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(beside, "wb", opener=_opened_for_all_to_read) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _remove_leftovers(folder: Path) -> None:
    """Remove the files that are written beside their place: the folder is held, so their writers are gone."""
    for path in folder.glob(".*.tmp"):
        if LEFTOVER.fullmatch(path.name):
            with contextlib.suppress(OSError):
                path.unlink()


def _opened_for_all_to_read(name: str, flags: int) -> int:
    return os.open(name, flags, MODE)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
