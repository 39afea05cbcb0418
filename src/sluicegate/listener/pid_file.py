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
        place.write_text(text)
    except OSError as error:
        log("error", "Could not write the pid file", path=path, error=error.strerror)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if place.read_text() == text:  # else another node has taken its place meanwhile
                place.unlink()
