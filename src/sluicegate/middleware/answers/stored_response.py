"""A stored response, as bytes: `base64(HTTP/1.1 message)|expiry`, which Tyk nodes write and read too (contract 09.8).

Pure. Those that Tyk wrote may be chunked; ours have a Content-Length.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass

from sluicegate.errors import BadMessage
from sluicegate.wire.chunked import ChunkedReader
from sluicegate.wire.headers import Headers
from sluicegate.wire.http1_read import HEAD_END, parse_response_head
from sluicegate.wire.http1_write import STATUS_LINES


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response. length: of the body that an answer to HEAD leaves out; None: nobody said, or the body is here."""

    status: int
    headers: Headers
    body: bytes
    length: int | None = None


def written(stored: StoredResponse, expires_s: int) -> bytes:
    """Return what is stored of a response. expires_s: Unix time from which on it is not served."""
    body = stored.body
    length = len(body) if stored.length is None else stored.length
    head = b"%b%bContent-Length: %d\r\n\r\n" % (STATUS_LINES[stored.status], stored.headers.render(), length)
    return binascii.b2a_base64(head + body, newline=False) + b"|%d" % expires_s


def read(stored: bytes, method: bytes, now_s: float) -> StoredResponse | None:
    """Return a response with its end-to-end fields; None for what has expired or is no stored response."""
    encoded, bar, expiry = stored.partition(b"|")
    if not bar or not expiry.isdigit() or int(expiry[:15]) < now_s:
        return None
    try:
        block, end, rest = binascii.a2b_base64(encoded).partition(HEAD_END)
        head = parse_response_head(block)
        if not end:
            return None
        if head.chunked:
            reader = ChunkedReader()
            rest, _ = reader.feed(rest)
            if not reader.done:
                return None
        length = head.body_length(method)
    except (binascii.Error, BadMessage):
        return None
    if length is not None and length > len(rest):
        return None
    body = rest if length is None else rest[:length]
    return StoredResponse(head.status, head.headers, body, head.content_length if method == b"HEAD" else None)
