"""Parts of URLs, read as Go's `net/url` reads them."""

from __future__ import annotations

import re
from urllib.parse import SplitResult

DIGITS = re.compile(r"[0-9]{1,9}")


def port_of(parts: SplitResult) -> int | None:
    """Return the port as it is written, also one that cannot be, or None. Raises ValueError for what is no number."""
    _, colon, text = parts.netloc.rpartition("@")[2].rpartition("]")[2].rpartition(":")
    if not colon or not text:
        return None
    if not DIGITS.fullmatch(text):
        raise ValueError(f"port {text!r} is no number")
    return int(text)
