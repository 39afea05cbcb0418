"""Clocks that leap: processes are given libfaketime, which reads from a file how far off they are.

Only the time of day leaps. The clock that timeouts go by never does, on any machine.
"""

from __future__ import annotations

from pathlib import Path

LIBRARIES = "/usr/lib"
LIBRARY = "*/faketime/libfaketimeMT.so.1"
SECONDS_UNTIL_SEEN = 1
# libfaketime clashes with jemalloc, which asks the time while it is being set up; with the C library's own it does not.
OWN_ALLOCATOR = "libc.so.6"


def library() -> Path | None:
    """Return where libfaketime is, None where it is not installed."""
    return next(Path(LIBRARIES).glob(LIBRARY), None)


class Clock:
    """The clock of one host."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.leap(0)

    def leap(self, off_s: int) -> None:
        """Let it be so many seconds off from now on."""
        aside = self.file.with_suffix(".new")
        aside.write_text(f"{off_s:+d}\n")
        aside.rename(self.file)

    @property
    def environment(self) -> dict[str, str]:
        """What a process has to be given so that this is its clock."""
        found = library()
        if found is None:
            return {}
        return {
            "LD_PRELOAD": f"{found} {OWN_ALLOCATOR}",
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": str(SECONDS_UNTIL_SEEN),
        }
