"""Records in a file, for nodes on the embedded store (`sluicegate.analytics_file`).

The file is a row of records as Tyk Pump reads them (see `record`), each after its length in four bytes, big-endian:
writing costs nothing but the copy. `sluicegate records` shows them as JSON. All workers append to the same file, each
batch in one write. A file that has grown to `ROTATE_BYTES` is renamed to `<name>.1`, in place of the one before, so the
disk holds two at most.

A full disk, or the death of a worker, may cut a batch off in the middle of a record, and other batches come behind it.
Only that record is lost: whoever reads goes on at the next one, which is known by how records begin.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from struct import Struct
from typing import Any, Final

import msgspec

from sluicegate import log
from sluicegate.analytics.line_writer import LineWriter
from sluicegate.analytics.record import SHORT_BEGINNING, readable

ROTATE_BYTES: Final = 100 << 20
LENGTH: Final = Struct(">I")
BATCH: Final = 500
LONGEST_WAIT_S: Final = 0.2


class RecordFile:
    """Appends records to a file."""

    takes_short = True

    def __init__(self, path: Path, count: Callable[[str, float], None], rotate_bytes: int = ROTATE_BYTES) -> None:
        self._file = RotatedFile(path, rotate_bytes)
        self._count = count
        self._writer = LineWriter(self._write, self._lose)
        self._pieces: list[bytes] = []  # lengths and records, taken and not yet handed to the thread
        self._sizes: deque[int] = deque()  # records in each batch that the thread has or will get
        self._is_broken = False

    def take(self, records: Sequence[bytes]) -> None:
        """Take some records; never waits, raises nothing."""
        length, pieces = LENGTH.pack, self._pieces
        for record in records:
            pieces += (length(len(record)), record)
        if len(pieces) >= 2 * BATCH:
            self._hand_over()

    async def run(self) -> None:
        """Hand over what waits too long; a thread of its own writes."""
        while True:
            await asyncio.sleep(LONGEST_WAIT_S)
            self._hand_over()

    async def close(self) -> None:
        """Write what is left, as far as that goes within two seconds."""
        self._hand_over()
        await self._writer.close()
        self._file.close()

    def _hand_over(self) -> None:
        """Give the thread a batch: waking it costs more than a record does."""
        if self._pieces:
            self._sizes.append(len(self._pieces) // 2)
            batch = b"".join(self._pieces)
            self._pieces.clear()
            self._writer.put(batch)

    def _lose(self, batch: bytes) -> None:
        """A batch found no room: it is the one that was just handed over."""
        self._count("records_dropped", self._sizes.pop())

    def _write(self, batch: bytes) -> None:
        size = self._sizes.popleft()
        try:
            self._file.append(batch)
        except OSError as error:
            if not self._is_broken:
                log.get(prefix="analytics").error("Records cannot be written, they are lost", error=str(error))
            self._is_broken = True
            self._count("records_dropped", size)
        else:
            self._is_broken = False
            self._count("records_written", size)


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file and of the one that was renamed before it, oldest first. Raises OSError."""
    for one in (path.with_name(path.name + ".1"), path):
        if one == path or one.exists():
            yield from records_in(one.read_bytes())


def records_in(content: bytes) -> Iterator[dict[str, Any]]:
    """Yield the records of a file's content, but for those that were cut off."""
    at = LENGTH.size
    while (at := content.find(SHORT_BEGINNING, at)) >= 0:
        (size,) = LENGTH.unpack_from(content, at - LENGTH.size)
        end = at + size
        # A next one that begins too soon has its length where this one should still be.
        is_whole = content.find(SHORT_BEGINNING, end, end + LENGTH.size - 1 + len(SHORT_BEGINNING)) < 0
        try:
            record = readable(content[at:end]) if is_whole else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            record = None
        at = at + len(SHORT_BEGINNING) if record is None else end
        if record is not None:
            yield record


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
