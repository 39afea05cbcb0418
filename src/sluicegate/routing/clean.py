"""Clean paths: `//`, `.` and `..` in a path are answered with a redirect to the path without them (contract 06.1)."""

from __future__ import annotations

import re
from urllib.parse import quote

from sluicegate.wire.http1_read import RequestHead, escape_target

SUSPECT = re.compile(rb"//|/\.|/%2e", re.IGNORECASE)
ESCAPED_DOT = re.compile(rb"%2e", re.IGNORECASE)


def clean_location(head: RequestHead) -> bytes | None:
    """Return where a request for an unclean path should go, or None for a clean one."""
    path = head.path
    if b"//" not in path and b"/." not in path and b"%2" not in path:
        return None
    if not SUSPECT.search(path):
        return None
    cleaned = clean(ESCAPED_DOT.sub(b".", path))
    if cleaned == path:
        return None
    location = escape_target(cleaned)
    return b"%b?%b" % (location, head.query) if head.query else location


def clean(path: bytes) -> bytes:
    """Return a path without empty, `.` and `..` segments; a slash at the end stays (Go's path.Clean)."""
    kept: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            if kept:
                kept.pop()
        elif segment not in (b"", b"."):
            kept.append(segment)
    cleaned = b"/" + b"/".join(kept)
    return cleaned + b"/" if path.endswith(b"/") and kept else cleaned


def loop_name(name: str) -> str:
    """Return an API's name as a `tyk://` host: up to ` #`, odd characters as hyphens, lower case (contract 06.5)."""
    return quote(re.sub(r"[^A-Za-z0-9]", "-", name.partition(" #")[0]).lower())
