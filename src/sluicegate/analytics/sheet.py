"""The memory that a worker publishes its numbers in, laid out so that another process can read it without asking.

A worker counts in plain lists, which is fastest, and once a second copies what has changed into its sheet; the
supervisor adds up the sheets of all workers when somebody asks for the metrics. The sheet is shared memory
(`mmap.mmap(-1, size)`, made before the worker is started), so a scrape costs a worker nothing, and what a worker
counted outlives it: whoever takes its place goes on in the same sheet. A copy, sent over a pipe, reads just as well.

    8 bytes    MARK, the layout's number
    cells      one 8-byte number for each plain metric
    tables     rows of a name and some cells; a row whose name begins with 0 is free

A number is a double, written in one store, so a reader never sees half of it. Of a new row the name is written last.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from struct import pack_into, unpack_from
from typing import Final

Memory = bytes | bytearray | memoryview | mmap.mmap

MARK: Final = b"sluice\x00\x01"
CELL: Final = 8
SLICE: Final = 100
TAKEN: Final = b"="
END: Final = b"\x00"


class Table:
    """Where the rows of one kind lie: `rows` of them, each `name_bytes` for its name and then `cells` numbers."""

    __slots__ = ("cells", "name_bytes", "offset", "row_bytes", "rows")

    def __init__(self, offset: int, rows: int, name_bytes: int, cells: int) -> None:
        assert name_bytes % CELL == 0 and offset % CELL == 0
        self.offset, self.rows, self.name_bytes, self.cells = offset, rows, name_bytes, cells
        self.row_bytes = name_bytes + cells * CELL

    @property
    def end(self) -> int:
        """Return the first byte after the table."""
        return self.offset + self.rows * self.row_bytes

    def first_byte(self, row: int) -> int:
        """Return where a row's first number lies."""
        return self.offset + row * self.row_bytes + self.name_bytes

    def name(self, sheet: memoryview, row: int) -> tuple[str, str] | None:
        """Return the key and label of a row, or None when it is free."""
        at = self.offset + row * self.row_bytes
        raw = bytes(sheet[at : at + self.name_bytes])
        if raw[:1] != TAKEN:
            return None
        key, label = raw[1:].rstrip(END).partition(END)[::2]
        return key.decode("utf-8", "replace"), label.decode("utf-8", "replace")

    def set_name(self, sheet: memoryview, row: int, key: str, label: str) -> None:
        """Name a row; a label that is too long is cut."""
        room = self.name_bytes - 1
        text = (key.encode("utf-8", "replace") + END + label.encode("utf-8", "replace"))[:room]
        at = self.offset + row * self.row_bytes
        sheet[at + 1 : at + 1 + room] = text.ljust(room, END)
        sheet[at : at + 1] = TAKEN

    def fits(self, key: str) -> bool:
        """Return whether a key can be told from every other in the room there is."""
        return "\x00" not in key and len(key.encode("utf-8", "replace")) <= self.name_bytes - 2

    def free(self, sheet: memoryview, row: int) -> None:
        """Make a row free again, all numbers zero."""
        at = self.offset + row * self.row_bytes
        sheet[at : at + 1] = END
        sheet[at + 1 : at + self.row_bytes] = bytes(self.row_bytes - 1)

    def items(self, sheet: memoryview) -> Iterator[tuple[int, str, str]]:
        """Yield row, key and label of all rows that are taken."""
        for row in range(self.rows):
            name = self.name(sheet, row)
            if name is not None:
                yield row, *name

    def counted(self, sheet: memoryview) -> Iterator[tuple[bytes, bytes]]:
        """Yield name (key and label) and numbers, as they lie there, of the rows in which anything was counted."""
        nothing = bytes(self.cells * CELL)
        copy = bytes(sheet[self.offset : self.end])  # slices of bytes are cheaper than those of a view
        for at in range(0, len(copy), self.row_bytes):
            middle = at + self.name_bytes
            if copy[at]:
                numbers = copy[middle : at + self.row_bytes]
                if numbers != nothing:
                    yield copy[at + 1 : middle].rstrip(END), numbers

    def numbers(self, sheet: memoryview, row: int) -> tuple[float, ...]:
        """Return a row's numbers."""
        return unpack_from(f"{self.cells}d", sheet, self.first_byte(row))


class Rows:
    """The rows of a table as their writer keeps them: plain lists to count in, written to the sheet now and then.

    numbers: by key; `publish` copies the rows whose number in the column `mark` has changed, so that column has to
             change whenever anything in the row does.
    """

    __slots__ = ("_free", "_labels", "_mark", "_published", "_row", "_sheet", "numbers", "table")

    def __init__(self, table: Table, sheet: memoryview, mark: int) -> None:
        self.table, self._sheet, self._mark = table, sheet, mark
        self.numbers: dict[str, list[float]] = {}
        self._row: dict[str, int] = {}
        self._labels: dict[str, str] = {}
        self._published: dict[str, float] = {}
        for row, key, label in table.items(sheet):
            self._row[key], self._labels[key] = row, label
            self.numbers[key] = list(table.numbers(sheet, row))
            self._published[key] = self.numbers[key][mark]
        taken = set(self._row.values())
        self._free = [row for row in reversed(range(table.rows)) if row not in taken]

    def add(self, key: str, label: str = "") -> list[float] | None:
        """Take a row for the key; return its numbers, all zero, or None when there is no room."""
        if not self._free or not self.table.fits(key):
            return None
        row = self._free.pop()
        self.table.set_name(self._sheet, row, key, label)
        self._row[key], self._labels[key], self._published[key] = row, label, 0.0
        numbers = self.numbers[key] = [0.0] * self.table.cells
        return numbers

    def keep(self, label_of: Callable[[str], str | None]) -> None:
        """Free the rows of all keys that have no label, and write the labels that have changed."""
        for key in list(self._row):
            label = label_of(key)
            if label is None:
                self.free(key)
            else:
                self.relabel(key, label)

    def free(self, key: str) -> None:
        """Free the row of a key, if it has one."""
        row = self._row.pop(key, None)
        if row is not None:
            self.table.free(self._sheet, row)
            del self.numbers[key], self._labels[key], self._published[key]
            self._free.append(row)

    def relabel(self, key: str, label: str) -> None:
        """Write the label of a key, if it has a row with another one."""
        row = self._row.get(key)
        if row is not None and self._labels[key] != label:
            self._labels[key] = label
            self.table.set_name(self._sheet, row, key, label)

    def publish(self) -> Iterator[None]:
        """Copy to the sheet what has changed; yields after every `SLICE` rows, so that the caller may pause."""
        table, mark, copied = self.table, self._mark, 0
        for key, numbers in list(self.numbers.items()):
            changed = numbers[mark]
            if self._published.get(key, changed) != changed:
                self._published[key] = changed
                pack_into(f"{table.cells}d", self._sheet, table.first_byte(self._row[key]), *numbers)
                copied += 1
                if copied % SLICE == 0:
                    yield


def new_sheet(size_bytes: int, memory: Memory | None) -> memoryview:
    """Return the memory to count in, marked; a block that was counted in before is gone on with.

    memory: at least `size_bytes`, zeroed when it is new; None: memory of this process. Raises ValueError.
    """
    sheet = memoryview(bytearray(size_bytes) if memory is None else memory).cast("B")
    if len(sheet) < size_bytes:
        raise ValueError(f"a sheet needs {size_bytes} bytes, not {len(sheet)}")
    sheet = sheet[:size_bytes]
    if bytes(sheet[: len(MARK)]) not in (MARK, bytes(len(MARK))):
        raise ValueError("the memory holds something else than a sheet of this version")
    sheet[: len(MARK)] = MARK
    return sheet


def open_sheet(memory: Memory, size_bytes: int) -> memoryview | None:
    """Return a sheet to be read, or None when nobody has begun to count in it."""
    sheet = memoryview(memory).cast("B")
    if len(sheet) < size_bytes or bytes(sheet[: len(MARK)]) != MARK:
        return None
    return sheet[:size_bytes]
