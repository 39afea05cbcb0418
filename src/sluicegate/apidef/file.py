"""A file with a definition or with policies, read whole: what is no file, or too long for one, is refused by name."""

from __future__ import annotations

import stat
from pathlib import Path

from sluicegate.apidef.gojson import LONGEST_DOCUMENT_BYTES
from sluicegate.errors import ConfigError


def bytes_of(path: Path, source: str) -> bytes:
    """Return what is in a file. Raises ConfigError with `source` as its place.

    A pipe is never opened: that would wait for whoever writes to it, and everything else with it.
    """
    file = "the file" if source == str(path) else path.name
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(source, f"{file} cannot be read: not a regular file")
        if status.st_size > LONGEST_DOCUMENT_BYTES:
            raise ConfigError(source, f"{file} is longer than {LONGEST_DOCUMENT_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(source, f"{file} cannot be read: {error.strerror}") from None
