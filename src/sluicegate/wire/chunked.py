"""Reading chunked bodies (RFC 9112 section 7.1): bytes in, payload out, piece by piece. No sockets, no time.

States, in the order they are passed:

    SIZE ──► DATA ──► DATA_END ──► SIZE …      a chunk: size line, data, CRLF
      └─(0)─► TRAILER ──► done                 the last chunk: fields, empty line

Strict: sizes are 1 to 15 hex digits; extensions are read over but limited; lines end in CRLF and nothing else; trailers
are limited in number and size. Invariant: no byte after the final CRLF is consumed.
"""

from __future__ import annotations

import re

from sluicegate.errors import BadMessage
from sluicegate.wire.headers import SPECIAL, Field, field_of

SIZE, DATA, DATA_END, TRAILER, DONE = range(5)

# Chunk extensions (section 7.1.1) are ignored; control characters in them are not.
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?", re.DOTALL)
LONGEST_LINE_BYTES = 4096
MOST_TRAILERS = 64


class ChunkedReader:
    """Takes the bytes of a chunked body as they come."""

    __slots__ = ("_left", "_line", "_state", "trailers")

    def __init__(self) -> None:
        self._state = SIZE
        self._left = 0
        self._line = b""  # of an unfinished line
        self.trailers: list[Field] = []

    @property
    def done(self) -> bool:
        """Whether the whole body has been read."""
        return self._state == DONE

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Return the payload in these bytes, and what stands behind the end of the body. Raises BadMessage."""
        pieces: list[bytes] = []
        at, size = 0, len(data)
        while at < size and self._state != DONE:
            if self._state == DATA:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._state = DATA_END
                continue
            at = self._take_line(data, at)
        payload = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return payload, data[at:] if at < size else b""

    def _take_line(self, data: bytes, at: int) -> int:
        """Read up to the next CRLF, act on the line if it is whole, and return where the next byte stands."""
        end = data.find(b"\n", at)
        if end < 0:
            self._line += data[at:]
            if len(self._line) > LONGEST_LINE_BYTES:
                raise BadMessage(400, "chunk line too long")
            return len(data)
        line = self._line + data[at:end] if self._line else data[at:end]
        self._line = b""
        if line[-1:] != b"\r" or len(line) > LONGEST_LINE_BYTES:
            raise BadMessage(400, "malformed chunk line")
        self._act_on(line[:-1])
        return end + 1

    def _act_on(self, line: bytes) -> None:
        if self._state == SIZE:
            found = SIZE_LINE.fullmatch(line)
            if found is None:
                raise BadMessage(400, "malformed chunk size")
            self._left = int(found[1], 16)
            self._state = DATA if self._left else TRAILER
        elif self._state == DATA_END:
            if line:
                raise BadMessage(400, "chunk longer than its size")
            self._state = SIZE
        elif not line:
            self._state = DONE
        else:
            field = field_of(line)
            if len(self.trailers) >= MOST_TRAILERS:
                raise BadMessage(400, "too many trailer fields")
            # Framing and routing fields are never trailers (RFC 9110 section 6.5.1); such ones are dropped.
            if field.role < SPECIAL:
                self.trailers.append(field)


def chunk(data: bytes) -> bytes:
    """Return data as one chunk. Not for empty data: that would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def last_chunk(trailers: list[Field]) -> bytes:
    """Return the end of a chunked body."""
    return b"0\r\n%b\r\n" % b"".join([field.line for field in trailers]) if trailers else b"0\r\n\r\n"
