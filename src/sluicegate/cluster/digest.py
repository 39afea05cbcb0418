"""One number for a whole set of documents, that changes in one step when a document does.

It is the exclusive or of a hash for each document, so neither order nor history matters: two nodes hold the same
documents if, and but for chance only if, they have the same digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sluicegate.cluster.document import Entry, Key

EMPTY = 0


def mark(key: Key, entry: Entry | None) -> int:
    """Return what a document adds to a digest, and takes from it; none adds nothing."""
    if entry is None:
        return 0
    return int.from_bytes(hashlib.sha256(f"{key}\0".encode("utf-8", "surrogateescape") + entry.checksum).digest()[:16])


def digest_of(entries: Mapping[Key, Entry]) -> int:
    """Return the digest of all these documents."""
    digest = EMPTY
    for key, entry in entries.items():
        digest ^= mark(key, entry)
    return digest


def digest_text(digest: int) -> str:
    """Return a digest as people see it: 32 hexadecimal digits."""
    return f"{digest:032x}"
