"""The head of the request that an upstream gets (contract 06.8).

Most requests leave as they came but for the host, the path and X-Forwarded-For. A request head that has been seen
before on its connection, and was not touched by any middleware, keeps the bytes that were made of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sluicegate import __version__
from sluicegate.wire.headers import FORWARDED_FOR, USER_AGENT, Headers, make_field
from sluicegate.wire.http1_read import escape_target

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange
    from sluicegate.upstream.target import Target

USER_AGENT_LINE = b"User-Agent: Sluicegate/%b\r\n" % __version__.encode()
EMPTY_AGENT_LINE = b"User-Agent: \r\n"
"""A client that names no agent wants none named (contract 06.8)."""

BODY_METHODS = frozenset((b"POST", b"PUT", b"PATCH"))
"""Methods whose requests also say that they have no body, as in Go: some servers ask for it (RFC 9110 section 8.6)."""

TO_ESCAPE = re.compile(rb"[^A-Za-z0-9._~$&+,/:;=@-]")
"""What Go's `net/url` escapes in a path that it writes itself."""


def request_bytes(exchange: Exchange, target: Target, forwarded_line: bytes) -> bytes:
    """Return the head, with its empty line. `forwarded_line` is X-Forwarded-For for a client that sent none."""
    request = exchange.request
    untouched = (
        exchange.changed_headers is None
        and exchange.url is None
        and exchange.body is None
        and exchange.method is request.method
    )
    if untouched and request.sent_to is target and request.sent_by is exchange.route and request.sent_as is not None:
        return request.sent_as
    data = _build(exchange, target, forwarded_line)
    if untouched:
        request.sent_to, request.sent_by, request.sent_as = target, exchange.route, data
    return data


def _build(exchange: Exchange, target: Target, forwarded_line: bytes) -> bytes:
    request = exchange.request
    headers = request.headers if exchange.changed_headers is None else exchange.changed_headers
    host = request.host if exchange.route.upstream.preserve_host else target.host_header
    lines = [
        b"%b %b HTTP/1.1\r\nHost: %b\r\n"
        % (exchange.method, upstream_target(exchange, target), host or target.host_header)
    ]
    if headers is request.headers and not request.forwarded and request.seen & USER_AGENT:
        lines += [field.line for field in headers.fields if field.line != EMPTY_AGENT_LINE]
        if not exchange.hides_client:
            lines.append(forwarded_line)
    else:
        _add_fields(lines, headers, exchange, forwarded_line)
    lines.append(_framing(exchange))
    lines.append(b"\r\n")
    return b"".join(lines)


def _add_fields(lines: list[bytes], headers: Headers, exchange: Exchange, forwarded_line: bytes) -> None:
    """Add the fields of a request that says more, or less, than most do."""
    forwarded: list[bytes] = []
    has_agent = False
    for field in headers.fields:
        if field.role == FORWARDED_FOR:
            forwarded.append(field.value)
            continue
        has_agent = has_agent or field.role == USER_AGENT
        if field.line != EMPTY_AGENT_LINE:
            lines.append(field.line)
    if not has_agent:
        lines.append(USER_AGENT_LINE)
    if exchange.hides_client:
        return
    if forwarded:
        chain = [*forwarded, exchange.client.peer_ip.encode()]
        lines.append(make_field(b"X-Forwarded-For", b", ".join(chain)).line)
    else:
        lines.append(forwarded_line)


def _framing(exchange: Exchange) -> bytes:
    """The fields that say how long the body is, and whether the connection changes its protocol."""
    request = exchange.request
    line = b""
    if request.upgrade and exchange.route.upstream.passes_upgrades:
        line = b"Connection: Upgrade\r\nUpgrade: %b\r\n" % request.upgrade
    elif exchange.route.upstream.closes:
        line = b"Connection: close\r\n"
    elif request.te_trailers:
        line = b"Connection: TE\r\nTE: trailers\r\n"
    means_body = exchange.method in BODY_METHODS
    if exchange.body is not None:
        if exchange.body or request.has_body or means_body:
            line += b"Content-Length: %d\r\n" % len(exchange.body)
    elif request.chunked:
        line += b"Transfer-Encoding: chunked\r\n"
        if request.trailer:
            line += b"Trailer: %b\r\n" % request.trailer
    elif request.has_length or means_body:
        line += b"Content-Length: %d\r\n" % (request.content_length or 0)
    return line


def upstream_target(exchange: Exchange, target: Target) -> bytes:
    """Return path and query as the upstream gets them, escaped."""
    route = exchange.route
    path, query = exchange.path, exchange.query
    if route.strip_listen_path:
        path = route.stripped(path)
    if exchange.strips_version:
        path, query = route.without_version(path, query, exchange.version_name)
    if route.upstream.escapes_paths:
        path = escape_path(path)
    joined = join_path(target.path_prefix, path, route.upstream.keeps_trailing_slash)
    if target.query:
        query = target.query + b"&" + query if query else target.query
    whole = b"%b?%b" % (joined, query) if query else joined
    return escape_target(whole)


def escape_path(path: bytes) -> bytes:
    """Return a path as Go writes it: one that holds an escape stays as it came, else what it would escape is escaped.

    `/(a)` leaves as `/%28a%29`, and `/(a)%20` as it is. `skip_target_path_escaping` leaves all of them (contract 01.6).
    """
    if b"%" in path or TO_ESCAPE.search(path) is None:
        return path
    return TO_ESCAPE.sub(lambda found: b"%%%02X" % found[0][0], path)


def join_path(prefix: bytes, path: bytes, keeps_trailing_slash: bool) -> bytes:
    """Return target path and request path joined with one slash (contract 06.8)."""
    if not prefix:
        return path or b"/"
    if path in (b"", b"/"):
        return prefix if keeps_trailing_slash else prefix.rstrip(b"/") or b"/"
    return prefix.rstrip(b"/") + b"/" + path.lstrip(b"/")
