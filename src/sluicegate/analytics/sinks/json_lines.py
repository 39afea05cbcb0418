"""Records in a file, one JSON object a line, for nodes on the embedded store (`sluicegate.analytics_file`).

All workers append to the same file, each batch in one write. A file that has grown to `ROTATE_BYTES` is renamed to
`<name>.1`, in place of the one before, so the disk holds two at most.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from sluicegate import log
from sluicegate.analytics.line_writer import LineWriter
from sluicegate.analytics.record import readable

ROTATE_BYTES: Final = 100 << 20


class JsonLines:
    """Appends records to a file."""

    def __init__(self, path: Path, count: Callable[[str, float], None], rotate_bytes: int = ROTATE_BYTES) -> None:
        self._file = RotatedFile(path, rotate_bytes)
        self._count = count
        self._writer = LineWriter(self._write, self._lose)
        self._is_broken = False

    def take(self, records: Sequence[bytes]) -> None:
        """Take a batch; never waits, raises nothing."""
        encode = msgspec.json.encode
        self._writer.put(b"".join([encode(readable(record)) + b"\n" for record in records]))

    async def run(self) -> None:
        """Do nothing: a thread of its own writes."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Write what is left, as far as that goes within two seconds."""
        await self._writer.close()
        self._file.close()

    def _lose(self, lines: bytes) -> None:
        self._count("records_dropped", lines.count(b"\n"))

    def _write(self, lines: bytes) -> None:
        try:
            self._file.append(lines)
        except OSError as error:
            if not self._is_broken:
                log.get(prefix="analytics").error("Records cannot be written, they are lost", error=str(error))
            self._is_broken = True
            self._lose(lines)
        else:
            self._is_broken = False
            self._count("records_written", lines.count(b"\n"))


class RotatedFile:
    """A file that several processes append to and rotate."""

    def __init__(self, path: Path, rotate_bytes: int) -> None:
        self._path, self._rotate_bytes = path, rotate_bytes
        self._fd = -1

    def append(self, lines: bytes) -> None:
        """Write lines at the end, in one piece. Raises OSError."""
        if not self._is_current():
            self._open()
        if os.fstat(self._fd).st_size >= self._rotate_bytes:
            self._rotate()
        written = 0
        while written < len(lines):
            written += os.write(self._fd, lines[written:])

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _is_current(self) -> bool:
        """Return whether the open file is the one of that name: another process may have rotated it."""
        if self._fd < 0:
            return False
        try:
            there, mine = self._path.stat(), os.fstat(self._fd)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)

    def _open(self) -> None:
        self.close()
        self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _rotate(self) -> None:
        """Rename the file, unless another process has just done it; the lock is of the file that is renamed."""
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        if self._is_current():
            self._path.replace(f"{self._path}.1")
        self._open()
