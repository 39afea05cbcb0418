"""Reading HTTP/1.1 heads and bodies: bytes in, meaning out. No sockets, no time.

Theory of operation (RFC 9112, RFC 9110)
----------------------------------------
A message is a head (start line, field lines, an empty line) and a body. The connection finds the end of the head
(`CRLF CRLF`), cuts it off and has it parsed here; what follows is the body, whose length the head alone decides:

    request                       response
    Transfer-Encoding: chunked    HEAD, 1xx, 204, 304            no body, whatever the fields say
    Content-Length: N             Transfer-Encoding: chunked
    neither: no body              Content-Length: N
                                  neither: until the connection closes

Two readers that disagree about that length are how requests get smuggled, so nothing here is guessed: any way of saying
the length twice or unclearly is refused with 400 and the connection closed (RFC 9112 section 6.3 and 11.2):
Content-Length together with Transfer-Encoding, more than one of either, a list in Content-Length, a coding other than
`chunked`, Transfer-Encoding in HTTP/1.0, a bare CR or LF anywhere in a head, blanks before a colon, folded lines.

Invariants: a head is accepted whole or not at all; a reader never consumes a byte past the end of its message.
"""

from __future__ import annotations

import re
from typing import Any

from sluicegate.errors import BadMessage
from sluicegate.wire.headers import (
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    FORWARDED_FOR,
    HOP,
    HOST,
    SPECIAL,
    TE,
    TOKEN,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    Field,
    Headers,
    read_field,
    remembered_lines,
)

HEAD_END = b"\r\n\r\n"
BODILESS_STATUSES = frozenset((204, 304))

# RFC 9112 section 3.2: a target has no blanks, controls or fragment. Bytes from 0x80 on are let through, as they are
# sent in the wild; they are escaped before they go on.
TARGET_BYTES = bytes(one for one in range(0x21, 0x100) if one not in (0x23, 0x7F))
METHODS = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH"))
"""Methods that need no closer look; any other token is a method too (RFC 9110 section 9.1)."""
VERSION = re.compile(rb"HTTP/[0-9]\.[0-9]")
STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [^\x00-\x08\x0a-\x1f\x7f]*)?", re.DOTALL)
BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
ABSOLUTE = re.compile(rb"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?#]*)([^#]*)", re.DOTALL)
# RFC 3986 section 3.2.2 without userinfo: a name, an IPv4 address or a bracketed IPv6 address, maybe with a port.
AUTHORITY = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]+)(?::[0-9]{0,5})?")
DIGITS = re.compile(rb"[0-9]{1,18}")
NOT_ASCII = re.compile(rb"[\x80-\xff]")


class RequestHead:
    """The head of a request. Never changed once it has been read: a connection may meet it again, byte for byte.

    target:  as received.  path, query: of the target, escaped as received; the query without its question mark.
    host:    authority of the target if that is absolute, else the Host field; b"" in HTTP/1.0 without one.
    headers: the end-to-end fields, as they are passed on. Host, framing and hop-by-hop fields are not among them.
    content_length: bytes of the body, None when it is chunked. An absent body is 0.
    has_body:   whether a body follows.
    has_length: whether a Content-Length field was there.
    upgrade: value of Upgrade when Connection names it, else b"". Never one that asks for HTTP/2.
    forwarded: whether an X-Forwarded-For is among the headers.
    """

    content_length: int | None = 0
    has_body = False
    has_length = False
    chunked = False
    expects_continue = False
    forwarded = False
    upgrade = b""
    te_trailers = False
    trailer = b""
    host = b""
    seen = 0  # bits of the roles that its fields have
    # Kept by listener.serve: the route of this head, and the table that it was found in.
    found: Any = None
    found_in: object = None
    # Kept by middleware.auth: the token in this head, as which middleware reads it.
    token = ""
    token_for: object = None
    # Kept by upstream.request: the bytes that went out for this head, to which target, by which route.
    sent_as: bytes | None = None
    sent_to: object = None
    sent_by: object = None
    # Set by listener.loop: the path that the client asked for, where this head is that of a request in a loop.
    asked_path: bytes | None = None
    # Kept by analytics.record: what the records of requests with this head have in common.
    mould: Any = None

    def __init__(self, method: bytes, target: bytes, version: int) -> None:
        self.method, self.target, self.version = method, target, version
        self.path, _, self.query = target.partition(b"?")
        self.headers = Headers()
        self.keep_alive = version == 11


def parse_request_head(block: bytes) -> RequestHead:
    """Return the head that a block of bytes (without the empty line) says. Raises BadMessage."""
    start, *lines = block.split(b"\r\n")
    head = _parse_request_line(start)
    fields = head.headers.fields
    special: list[Field] = []
    known = remembered_lines.get
    seen = 0
    for line in lines:
        field = known(line) or read_field(line)
        role = field.role
        if role < SPECIAL:
            seen |= role
            fields.append(field)
        elif role == HOST and field.value and not head.host:
            head.host = field.value
        else:
            special.append(field)
    head.seen = seen
    if special:
        _apply_special(head, special)
    if head.host not in _known_hosts or head.target[:1] != b"/":
        _settle_host(head)
    return head


def _parse_request_line(line: bytes) -> RequestHead:
    """Read `method SP request-target SP HTTP-version` (RFC 9112 section 3)."""
    parts = line.split(b" ")
    if len(parts) != 3:
        raise BadMessage(400, "")
    method, target, version = parts
    if version != b"HTTP/1.1" and version != b"HTTP/1.0":
        raise BadMessage(505, "unsupported protocol version") if VERSION.fullmatch(version) else BadMessage(400, "")
    if method not in METHODS and not TOKEN.fullmatch(method):
        raise BadMessage(400, "")
    if not target or target.translate(None, TARGET_BYTES):
        raise BadMessage(400, "")
    head = RequestHead(method, target, 11 if version == b"HTTP/1.1" else 10)
    if b"%" in target and BAD_ESCAPE.search(head.path):
        raise BadMessage(400, "")
    return head


def _settle_host(head: RequestHead) -> None:
    """Find path and authority for every form of target (RFC 9112 section 3.2 and 3.2.2)."""
    if head.host:
        _check_host(head.host)
    if head.target[:1] != b"/":
        _settle_other_target(head)
    if not head.host and head.version == 11:
        raise BadMessage(400, "missing required Host header")


def _settle_other_target(head: RequestHead) -> None:
    target = head.target
    if target == b"*" and head.method == b"OPTIONS":
        return
    if head.method == b"CONNECT" and AUTHORITY.fullmatch(target):
        head.host, head.path, head.query = target, b"", b""
        return
    absolute = ABSOLUTE.fullmatch(target)
    if absolute is None or absolute[1].lower() not in (b"http", b"https") or not absolute[2]:
        raise BadMessage(400, "")
    if head.version == 11 and not head.host:
        raise BadMessage(400, "missing required Host header")
    head.host = absolute[2]
    _check_host(head.host)
    rest = absolute[3]
    if rest[:1] != b"/":
        rest = b"/" + rest
    head.path, _, head.query = rest.partition(b"?")


_known_hosts: set[bytes] = set()
KNOWN_HOSTS = 1024


def _check_host(host: bytes) -> None:
    if host in _known_hosts:
        return
    if len(host) > 260 or not AUTHORITY.fullmatch(host):
        raise BadMessage(400, "malformed Host header")
    if len(_known_hosts) >= KNOWN_HOSTS:
        _known_hosts.clear()
    _known_hosts.add(host)


def _apply_special(head: RequestHead, special: list[Field]) -> None:
    """Judge the fields that say how the message is framed and what belongs to this connection alone."""
    named: list[bytes] = []
    hosts: list[Field] = []  # that name none, or one more
    for field in special:
        role = field.role
        if role == CONNECTION:
            named += options_of(field)
        elif role in (CONTENT_LENGTH, TRANSFER_ENCODING):
            _frame(head, field)
        elif role == HOST:
            hosts.append(field)
        else:
            _note(head, field)
    if hosts:
        _judge_hosts(head, hosts)
    if b"close" in named:
        head.keep_alive = False
    elif b"keep-alive" in named:
        head.keep_alive = True
    if head.chunked and head.has_length:
        raise BadMessage(400, "Content-Length and Transfer-Encoding")
    head.has_body = head.chunked or head.content_length != 0
    if b"upgrade" not in named:
        head.upgrade = b""
    _drop_named(head.headers, named)


def _judge_hosts(head: RequestHead, hosts: list[Field]) -> None:
    if head.host or len(hosts) > 1:
        raise BadMessage(400, "too many Host headers")
    if head.version == 11 and head.target[:1] == b"/":
        raise BadMessage(400, "malformed Host header")


def _note(head: RequestHead, field: Field) -> None:
    role = field.role
    if role == FORWARDED_FOR:
        head.forwarded = True
        head.headers.fields.append(field)
    elif role == EXPECT:
        head.expects_continue = head.version == 11 and field.value.lower() == b"100-continue"
        head.headers.fields.append(field)
    elif role == UPGRADE:
        # HTTP/2 in a tunnel would pass all checks unseen (h2c smuggling): nobody is asked for that.
        # A client of HTTP/1.0 cannot mean it (RFC 9110 section 7.8).
        head.upgrade = field.value if head.version == 11 and b"h2c" not in field.value.lower() else b""
    elif role == TE:
        head.te_trailers = b"trailers" in field.value.lower()
    elif role == TRAILER:
        head.trailer = field.value


def options_of(field: Field) -> list[bytes]:
    """Return what a Connection field lists, in lower case (RFC 9110 section 7.6.1)."""
    return [option.strip() for option in field.value.lower().split(b",")]


def _drop_named(headers: Headers, named: list[bytes]) -> None:
    """Fields that Connection names end here (RFC 9110 section 7.6.1)."""
    ending = set(named).difference((b"close", b"keep-alive", b"upgrade"))
    if ending:
        headers.fields = [field for field in headers.fields if field.name not in ending]


def _frame(head: RequestHead, field: Field) -> None:
    if field.role == CONTENT_LENGTH:
        if head.has_length:
            raise BadMessage(400, "too many Content-Length headers")
        head.content_length = read_length(field.value)
        head.has_length = True
        return
    if head.chunked:
        raise BadMessage(400, "too many transfer encodings")
    if head.version == 10:
        raise BadMessage(400, "Transfer-Encoding in HTTP/1.0")
    if field.value.lower() != b"chunked":
        raise BadMessage(501, "Unsupported transfer encoding")
    head.chunked = True
    if not head.has_length:
        head.content_length = None


def read_length(value: bytes) -> int:
    """Return a Content-Length (RFC 9110 section 8.6): digits, nothing else. Raises BadMessage."""
    if not DIGITS.fullmatch(value):
        raise BadMessage(400, "bad Content-Length")
    return int(value)


class ResponseHead:
    """The head of a response. Never changed once it has been read: a connection may meet it again, byte for byte.

    headers: the end-to-end fields; Content-Length and hop-by-hop fields are not among them.
    content_length: as the field says, None without one. What a body really has is `body_length`.
    keep_alive: whether the connection may be used again once the body has been read.
    """

    content_length: int | None = None
    chunked = False
    closes = False  # Connection says `close`
    upgrade = b""
    trailer = b""
    seen = 0  # bits of the roles that its fields have
    sent_as: bytes | None = None  # what the listener makes of it when nothing has to be changed

    def __init__(self, status: int, version: int) -> None:
        self.status, self.version = status, version
        self.headers = Headers()
        self.keep_alive = version == 11

    def body_length(self, method: bytes) -> int | None:
        """Return how many bytes of body follow: a number, or None when only chunks or the close tell."""
        if method == b"HEAD" or self.status < 200 or self.status in BODILESS_STATUSES:
            return 0
        return None if self.chunked else self.content_length


_known_statuses: dict[bytes, tuple[int, int]] = {}
KNOWN_STATUSES = 1024


def _parse_status_line(line: bytes) -> tuple[int, int]:
    """Return status and version (10 or 11) of a status line (RFC 9112 section 4)."""
    found = STATUS_LINE.fullmatch(line)
    if found is None:
        raise BadMessage(400, "malformed status line")
    if len(_known_statuses) >= KNOWN_STATUSES:
        _known_statuses.clear()
    said = _known_statuses[line] = int(found[2]), 11 if found[1] == b"1" else 10
    return said


def parse_response_head(block: bytes) -> ResponseHead:
    """Return the head of an upstream's answer. As strict as for requests. Raises BadMessage."""
    start, *lines = block.split(b"\r\n")
    status, version = _known_statuses.get(start) or _parse_status_line(start)
    head = ResponseHead(status, version)
    fields = head.headers.fields
    known = remembered_lines.get
    seen = 0
    for line in lines:
        field = known(line) or read_field(line)
        role = field.role
        if role < SPECIAL:
            seen |= role
            fields.append(field)
        elif role == CONTENT_LENGTH:
            if head.content_length is not None:
                raise BadMessage(400, "too many Content-Length headers")
            head.content_length = read_length(field.value)
        else:
            _apply_special_of_response(head, field)
    head.seen = seen
    if head.chunked and head.content_length is not None:
        raise BadMessage(400, "Content-Length and Transfer-Encoding")
    if status == 204 and (head.chunked or head.content_length):
        head.keep_alive = False  # a body that cannot be may come all the same, and must not be taken for an answer
    return head


def _apply_special_of_response(head: ResponseHead, field: Field) -> None:
    role = field.role
    if role == TRANSFER_ENCODING:
        if head.chunked or head.version == 10 or field.value.lower() != b"chunked":
            raise BadMessage(400, "unsupported transfer encoding")
        head.chunked = True
    elif role == CONNECTION:
        options = options_of(field)
        head.closes = head.closes or b"close" in options
        head.keep_alive = not head.closes and (head.keep_alive or b"keep-alive" in options)
    elif role == UPGRADE:
        head.upgrade = field.value
    elif role == TRAILER:
        head.trailer = field.value
    elif role != HOP:
        head.headers.fields.append(field)


def escape_target(target: bytes) -> bytes:
    """Return a target in which bytes from 0x80 on are percent-escaped, as the upstream gets it (contract 06.1)."""
    if target.isascii():
        return target
    return NOT_ASCII.sub(lambda found: b"%%%02X" % found[0][0], target)
