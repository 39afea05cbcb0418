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

PLAIN, CONTENT_TYPE, DATE, USER_AGENT, RATE = 0, 1, 2, 4, 8
"""Roles of fields that are passed on. Those that are not plain are bits: a head can say which of them it has."""

SPECIAL = 16
HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, HOP, EXPECT, FORWARDED_FOR, UPGRADE, TE, TRAILER = range(16, 26)
"""Roles of fields that are somebody's business: SPECIAL and above. HOP fields end here."""

ROLES = {
    b"content-type": CONTENT_TYPE,
    b"date": DATE,
    b"user-agent": USER_AGENT,
    b"x-ratelimit-limit": RATE,
    b"x-ratelimit-remaining": RATE,
    b"x-ratelimit-reset": RATE,
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

# RFC 9110 section 5.1: a name is a token. RFC 9112 section 5: no blank before the colon, no obs-fold (a line that
# begins with a blank has no token before its colon).
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# RFC 9110 section 5.5: no control characters in a value but HTAB.
VALUE_BYTES = bytes(one for one in range(256) if one == 9 or (one >= 32 and one != 127))

REMEMBERED_LINES = 4096
REMEMBERED_BYTES = 256
REMEMBERED_NAMES = 1024


class Field:
    """One header field. `line` is `Name: value\\r\\n`, ready to be sent."""

    __slots__ = ("line", "name", "role", "value")

    def __init__(self, name: bytes, value: bytes, line: bytes, role: int) -> None:
        self.name, self.value, self.line, self.role = name, value, line, role

    def __repr__(self) -> str:
        return f"Field({self.line!r})"


def passes_on(name: bytes) -> bool:
    """Return whether a field of this name is passed on: it neither frames a message nor ends at the next hop."""
    role = ROLES.get(name.lower(), PLAIN)
    return role < SPECIAL or role == FORWARDED_FOR


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

remembered_lines: dict[bytes, Field] = {}
"""Lines that were read before, for those who look before they ask `read_field`: a call saved for most lines."""

_names: dict[bytes, tuple[bytes, bytes, int]] = {}


def field_of(line: bytes) -> Field:
    """Return the field that a line of a head says (without its CRLF). Raises BadMessage (RFC 9112 section 5)."""
    return remembered_lines.get(line) or read_field(line)


def read_field(line: bytes) -> Field:
    """Return the field that a line says which is not remembered. Raises BadMessage."""
    name, colon, value = line.partition(b":")
    known = _names.get(name)
    if known is None or not colon:
        known = _learn(name, colon)
    if value.translate(None, VALUE_BYTES):
        raise BadMessage(400, "invalid header value")
    value = value.strip(b" \t")
    lower, shown, role = known
    field = Field(lower, value, b"%b: %b\r\n" % (shown, value), role)
    if len(line) <= REMEMBERED_BYTES:
        if len(remembered_lines) >= REMEMBERED_LINES:
            remembered_lines.clear()
        remembered_lines[line] = field
    return field


def _learn(name: bytes, colon: bytes) -> tuple[bytes, bytes, int]:
    """Return the forms of a name that was not seen before: in lower case, as it goes out, and its role."""
    if name[:1] in (b" ", b"\t"):
        raise BadMessage(400, "folded header line")
    if not colon or not TOKEN.fullmatch(name):
        raise BadMessage(400, "invalid header name")
    lower = name.lower()
    known = (lower, canonical(name), ROLES.get(lower, PLAIN))
    if len(name) <= REMEMBERED_BYTES:
        if len(_names) >= REMEMBERED_NAMES:
            _names.clear()
        _names[name] = known
    return known


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
