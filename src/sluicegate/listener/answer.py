"""The head of an answer, as bytes.

An upstream's head that nothing has to be changed in, seen before on its connection, keeps the bytes made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluicegate.chain.exchange import Response
from sluicegate.clock import now
from sluicegate.wire.headers import CONTENT_TYPE, DATE, RATE, Field, Headers, make_field
from sluicegate.wire.http1_write import STATUS_LINES, HttpDate
from sluicegate.wire.sniff import content_type_of

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange
    from sluicegate.wire.http1_read import ResponseHead

RATE_NAMES = frozenset((b"x-ratelimit-limit", b"x-ratelimit-remaining", b"x-ratelimit-reset"))
NO_QUOTA = (0, 0, 0)
NO_QUOTA_LINES = b"X-Ratelimit-Limit: 0\r\nX-Ratelimit-Remaining: 0\r\nX-Ratelimit-Reset: 0\r\n"
CLOSE_LINE = b"Connection: close\r\n"


def response_of(head: ResponseHead) -> Response:
    """Return an upstream's head as a response that may be changed."""
    return Response(head.status, head.headers.copy(), head.content_length)


def says_type(response: Response) -> bool:
    """Return whether a response says of what type its body is, or that it cannot be seen (contract 06.7)."""
    return b"content-type" in response.headers or b"content-encoding" in response.headers


def rate_lines(exchange: Exchange) -> bytes:
    """Return the X-RateLimit fields (contract 07.11): of the quota, or of the rate where that is the source.

    There are none where the rate is the source and nothing limits it.
    """
    if exchange.services.shows_rate:
        values = exchange.rate
        if values is None:
            return b""
    else:
        values = exchange.quota
        if values == NO_QUOTA:
            return NO_QUOTA_LINES
    return b"X-Ratelimit-Limit: %d\r\nX-Ratelimit-Remaining: %d\r\nX-Ratelimit-Reset: %d\r\n" % values


def plain_head(head: ResponseHead, exchange: Exchange, date: HttpDate) -> bytes | None:
    """Return status line and fields of an answer that passes unchanged, or None when it needs a closer look.

    They are kept as the head's `sent_as`, unless they hold the date of this moment, or are right for HEAD alone: an
    answer that has a body needs a type, one that only tells of it does not.
    """
    seen = head.seen
    if not seen & CONTENT_TYPE and head.body_length(exchange.method) != 0:
        return None
    lines = [STATUS_LINES[head.status]]
    if seen & RATE:
        lines += [field.line for field in head.headers.fields if field.role != RATE]
    else:
        lines += [field.line for field in head.headers.fields]
    if head.content_length is not None and head.status != 204:
        lines.append(b"Content-Length: %d\r\n" % head.content_length)
    if not seen & DATE:
        return b"".join(lines) + date.line(now())
    start = b"".join(lines)
    if seen & CONTENT_TYPE or exchange.method != b"HEAD":
        head.sent_as = start
    return start


def answer_head(
    exchange: Exchange,
    response: Response,
    length: int | None,
    chunked: bool,
    keep_alive: bool,
    trailer: bytes,
    body: bytes,
    date_line: bytes,
    made_here: bool,
) -> bytes:
    """Return the head of any answer, with its empty line.

    made_here: an answer of the gateway itself: X-RateLimit fields only where they were set at check time.
    """
    with_rate = not made_here or (exchange.rate is not None and exchange.services.shows_rate)
    fields = kept_fields(exchange, response, with_rate)
    names = {field.name for field in fields}
    line = STATUS_LINES[response.status]
    lines = [line if exchange.request.version == 11 else b"HTTP/1.0" + line[8:]]
    lines += [field.line for field in fields]
    if with_rate:
        lines.append(rate_lines(exchange))
    if body and b"content-type" not in names and b"content-encoding" not in names:
        lines.append(b"Content-Type: %b\r\n" % content_type_of(body[:512]))
    if b"date" not in names:
        lines.append(date_line)
    if chunked:
        lines.append(b"Transfer-Encoding: chunked\r\n")
        if trailer:
            lines.append(b"Trailer: %b\r\n" % trailer)
    elif length is not None and response.status != 204:
        lines.append(b"Content-Length: %d\r\n" % length)
    if not keep_alive:
        lines.append(CLOSE_LINE)
    elif exchange.request.version == 10:
        lines.append(b"Connection: keep-alive\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


def kept_fields(exchange: Exchange, response: Response, with_rate: bool) -> list[Field]:
    """Return the fields that go out: the response's, but for those that the gateway says itself, and the chain's."""
    own = [make_field(name, value) for name, value in exchange.response_headers]
    said = {field.name for field in own if field.name.startswith(b"access-control-")}
    if with_rate:
        said |= RATE_NAMES
    return [field for field in response.headers.fields if field.name not in said] + own


def made_headers(pairs: list[tuple[bytes, bytes]]) -> Headers:
    """Return the header fields of an answer that was made here."""
    return Headers([make_field(name, value) for name, value in pairs])
