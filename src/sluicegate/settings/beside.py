"""Files that a node keeps beside another one, and how they are named after it."""

from __future__ import annotations

from pathlib import Path

ENDINGS = (".db", ".snapshot")
"""What such a name may end with already. Any other end is part of the name: `gw.1` and `gw.2` are two nodes."""


def beside(file: Path, ending: str) -> Path:
    """Return the file with another ending beside a store or snapshot: `node.records` for `node.db`."""
    return file.with_name((file.stem if file.suffix in ENDINGS else file.name) + ending)
