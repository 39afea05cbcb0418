"""Header fields as bytes: kept as they go out, looked at only when somebody asks.

A line that was validated once is remembered with all that was learnt (`field_of`): its name in lower case, its value,
the line in canonical form, and what role it plays. Most lines of most requests have been seen before, so reading a head
is a dictionary look-up a line. The memory is bounded, and long lines never enter it.

Names go out in Go's canonical form (`X-Lower_case`, contract 06.7), and are compared in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sluicegate.errors import BadMessage

PLAIN, HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, HOP, EXPECT, FORWARDED_FOR, UPGRADE, TE, TRAILER = range(11)
"""Roles. PLAIN fields are passed on unseen; HOP fields end here; each other role is somebody's business."""

ROLES = {
    b"host": HOST,
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"connection": CONNECTION,
    b"proxy-connection": HOP,
    b"keep-alive": HOP,
    b"proxy-authenticate": HOP,
    b"proxy-authorization": HOP,
    b"te": TE,
    b"trailer": TRAILER,
    b"upgrade": UPGRADE,
    b"expect": EXPECT,
    b"x-forwarded-for": FORWARDED_FOR,
}

# RFC 9110 section 5.1 (token), 5.5 (field value: no control characters but HTAB); RFC 9112 section 5: no blank before
# the colon, no obs-fold (a line that begins with blank has no token before its colon, so it does not match).
LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)", re.DOTALL)
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

REMEMBERED_LINES = 4096
REMEMBERED_BYTES = 256


class Field:
    """One header field. `line` is `Name: value\\r\\n`, ready to be sent."""

    __slots__ = ("line", "name", "role", "value")

    def __init__(self, name: bytes, value: bytes, line: bytes, role: int) -> None:
        self.name, self.value, self.line, self.role = name, value, line, role

    def __repr__(self) -> str:
        return f"Field({self.line!r})"


def canonical(name: bytes) -> bytes:
    """Return a header name as Go writes it: `x-api-KEY` -> `X-Api-Key`. Only after a hyphen comes a capital."""
    return b"-".join(part.capitalize() for part in name.split(b"-"))


def make_field(name: bytes, value: bytes) -> Field:
    """Return a field that the gateway sets itself; control characters in the value become blanks."""
    if not TOKEN.fullmatch(name):
        raise ValueError(f"not a header name: {name!r}")
    value = value.translate(CONTROLS_TO_BLANK).strip()
    lower = name.lower()
    return Field(lower, value, b"%b: %b\r\n" % (canonical(name), value), ROLES.get(lower, PLAIN))


CONTROLS_TO_BLANK = bytes(32 if (one < 32 and one != 9) or one == 127 else one for one in range(256))

_remembered: dict[bytes, Field] = {}


def field_of(line: bytes) -> Field:
    """Return the field that a line of a head says (without its CRLF). Raises BadMessage (RFC 9112 section 5)."""
    field = _remembered.get(line)
    return field if field is not None else _read(line)


def _read(line: bytes) -> Field:
    found = LINE.fullmatch(line)
    if found is None:
        if not line.isascii() and b":" in line and not line.partition(b":")[0].isascii():
            raise BadMessage(400, "invalid header name")
        if line[:1] in (b" ", b"\t"):
            raise BadMessage(400, "folded header line")
        name = line.partition(b":")[0]
        raise BadMessage(400, "invalid header value" if TOKEN.fullmatch(name) else "invalid header name")
    name, value = found[1], found[2].rstrip(b" \t")
    lower = name.lower()
    field = Field(lower, value, b"%b: %b\r\n" % (canonical(name), value), ROLES.get(lower, PLAIN))
    if len(line) <= REMEMBERED_BYTES:
        if len(_remembered) >= REMEMBERED_LINES:
            _remembered.clear()
        _remembered[line] = field
    return field


class Headers:
    """The fields of a message in order. Names are given and compared in lower case."""

    __slots__ = ("fields",)

    def __init__(self, fields: list[Field] | None = None) -> None:
        self.fields: list[Field] = [] if fields is None else fields

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, name: bytes) -> bool:
        return any(field.name == name for field in self.fields)

    def get(self, name: bytes) -> bytes | None:
        """Return the first value, or None."""
        for field in self.fields:
            if field.name == name:
                return field.value
        return None

    def get_all(self, name: bytes) -> list[bytes]:
        """Return all values in order."""
        return [field.value for field in self.fields if field.name == name]

    def set(self, name: bytes, value: bytes) -> None:
        """Make this the only field of that name; it goes where the first of them stood, or to the end."""
        new = make_field(name, value)
        for at, field in enumerate(self.fields):
            if field.name == new.name:
                self.fields[at] = new
                self.fields[at + 1 :] = [later for later in self.fields[at + 1 :] if later.name != new.name]
                return
        self.fields.append(new)

    def add(self, name: bytes, value: bytes) -> None:
        """Append a field, beside others of that name."""
        self.fields.append(make_field(name, value))

    def remove(self, name: bytes) -> bool:
        """Take out all fields of that name; return whether there were any."""
        kept = [field for field in self.fields if field.name != name]
        gone = len(kept) != len(self.fields)
        if gone:
            self.fields = kept
        return gone

    def copy(self) -> Headers:
        """Return headers that can be changed without changing these."""
        return Headers(self.fields.copy())

    def render(self) -> bytes:
        """Return all lines, each with its CRLF."""
        return b"".join([field.line for field in self.fields])
