"""The name a TLS client asks for, read from its first message before a handshake begins (RFC 8446 4.1.2, RFC 6066 3).

Only looked at, never taken off the wire: the handshake reads it again. What is not understood here has no name.
"""

from __future__ import annotations

RECORD_HEAD_BYTES = 5
HANDSHAKE, CLIENT_HELLO, SERVER_NAME, HOST_NAME = 22, 1, 0, 0
LONGEST_NAME = 255


class _Unreadable(Exception):
    """The message ends before what should be there."""


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, size: int) -> bytes:
        if size > len(self.data):
            raise _Unreadable
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> _Reader:
        """Return what stands behind its length, which takes so many bytes."""
        return _Reader(self.take(self.number(size)))


def hello_size(head: bytes) -> int:
    """Return how long the first record is, its head included; 0 when that is no TLS. head: at least five bytes."""
    return RECORD_HEAD_BYTES + int.from_bytes(head[3:5], "big") if head[0] == HANDSHAKE and head[1] == 3 else 0


def server_name(record: bytes) -> str | None:
    """Return the name that a client asks for, in lower case; "": it names none; None: the message is not understood.

    record: the first one, whole. A message that goes on in a second record is not understood.
    """
    try:
        message = _Reader(record[RECORD_HEAD_BYTES:])
        if message.number(1) != CLIENT_HELLO:
            return None
        hello = message.vector(3)
        hello.take(2 + 32)  # version, random
        for size in (1, 2, 1):  # session id, cipher suites, compression methods
            hello.vector(size)
        return _name_in(hello.vector(2)) if hello.data else ""
    except _Unreadable:
        return None


def _name_in(extensions: _Reader) -> str | None:
    while extensions.data:
        kind, content = extensions.number(2), extensions.vector(2)
        if kind != SERVER_NAME:
            continue
        names = content.vector(2)
        while names.data:
            name_kind, name = names.number(1), names.vector(2)
            if name_kind == HOST_NAME:
                return name.data.decode("ascii", "replace").lower() if len(name.data) <= LONGEST_NAME else None
    return ""
