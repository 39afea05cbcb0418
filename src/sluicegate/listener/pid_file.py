"""The file that says which process to send signals to (`pid_file_location`)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def pid_file(path: str, log: Callable[..., None]) -> Iterator[None]:
    """Have the file there for as long as the node runs; one that cannot be written is no reason not to."""
    if not path:
        yield
        return
    place, text = Path(path), f"{os.getpid()}\n"
    try:
        _write(place, text)
    except OSError as error:
        log("error", "Could not write the pid file", path=path, error=error.strerror)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if place.read_text() == text:  # else another node has taken its place meanwhile
                place.unlink()


def _write(place: Path, text: str) -> None:
    """Write it, for its owner's eyes, in a folder that need not be there yet (contract 01.5)."""
    place.parent.mkdir(0o755, parents=True, exist_ok=True)
    place.touch(0o600)
    place.write_text(text)
