"""One end of a connection, byte for byte: what a test says to the gateway as a client, and as an upstream."""

from __future__ import annotations

import contextlib
import socket
import struct
from dataclasses import dataclass, field

PATIENCE_S = 20.0
"""How long anything may take on a busy machine before a test gives up."""


class ClosedError(Exception):
    """The other side has closed (or cut) the connection before all that was waited for had come."""


@dataclass
class Message:
    """A request or an answer, as it stood on the wire.

    start:  the first line.  fields: name and value as written, in order.
    body:   without its framing.  trailers: the fields behind a chunked body.
    """

    start: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def method(self) -> bytes:
        return self.start.split(b" ")[0]

    @property
    def target(self) -> bytes:
        return self.start.split(b" ")[1]

    @property
    def status(self) -> int:
        return int(self.start.split(b" ")[1])

    def all(self, name: bytes) -> list[bytes]:
        """Return the values of all fields of that name (any case)."""
        return [value for one, value in self.fields if one.lower() == name.lower()]

    def get(self, name: bytes) -> bytes | None:
        """Return the value of the first field of that name, or None."""
        return next(iter(self.all(name)), None)


class Wire:
    """A socket with a memory for what was read too far. Everything raises TimeoutError after PATIENCE_S."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(PATIENCE_S)
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- bytes

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.sock.sendall(data)

    def _more(self) -> None:
        try:
            data = self.sock.recv(65536)
        except ConnectionError as error:
            raise ClosedError(f"{error}, after {self.buffer[-200:]!r}") from None
        if not data:
            raise ClosedError(f"closed after {self.buffer[-200:]!r}")
        self.buffer += data

    def read_until(self, mark: bytes) -> bytes:
        """Return what comes up to and with a mark."""
        while (at := self.buffer.find(mark)) < 0:
            self._more()
        return self._cut(at + len(mark))

    def read(self, size: int) -> bytes:
        """Return exactly so many bytes."""
        pieces, have = [self.buffer[:size]], min(size, len(self.buffer))
        self.buffer = self.buffer[size:]
        while have < size:
            self._more()
            piece = self._cut(size - have)
            pieces.append(piece)
            have += len(piece)
        return b"".join(pieces)

    def _cut(self, size: int) -> bytes:
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def read_to_end(self) -> bytes:
        """Return all that comes until the other side closes; a cut connection raises ClosedError."""
        pieces = [self._cut(len(self.buffer))]
        while True:
            try:
                data = self.sock.recv(65536)
            except ConnectionError as error:
                raise ClosedError(str(error)) from None
            if not data:
                return b"".join(pieces)
            pieces.append(data)

    def is_closed(self) -> bool:
        """Wait for the other side to close or cut the connection; False if it says something instead."""
        if self.buffer:
            return False
        try:
            return not self.sock.recv(1)
        except ConnectionError:
            return True

    def is_silent(self, for_s: float = 0.2) -> bool:
        """Return whether the other side neither says anything nor closes, for a moment."""
        self.sock.settimeout(for_s)
        try:
            return not self.buffer and not self.sock.recv(1, socket.MSG_PEEK) and False
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(PATIENCE_S)

    def half_close(self) -> None:
        """Say that nothing more will be sent, and go on reading."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close in good order."""
        self.sock.close()

    def reset(self) -> None:
        """Cut the connection: the other side gets a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # -- messages

    def read_head(self) -> Message:
        """Return a message as far as its head says."""
        start, *lines = self.read_until(b"\r\n\r\n")[:-4].split(b"\r\n")
        return Message(start, [_field(line) for line in lines])

    def read_request(self) -> Message:
        """Return a whole request."""
        message = self.read_head()
        if not self._read_framed(message) and (length := message.get(b"content-length")):
            message.body = self.read(int(length))
        return message

    def read_answer(self, method: bytes = b"GET") -> Message:
        """Return a whole answer to a request with that method, interim ones not skipped."""
        message = self.read_head()
        if method == b"HEAD" or message.status < 200 or message.status in (204, 304):
            return message
        if not self._read_framed(message):
            length = message.get(b"content-length")
            message.body = self.read(int(length)) if length is not None else self.read_to_end()
        return message

    def _read_framed(self, message: Message) -> bool:
        if message.get(b"transfer-encoding") != b"chunked":
            return False
        pieces = []
        while piece := self.read_chunk():
            pieces.append(piece)
        message.body = b"".join(pieces)
        while line := self.read_until(b"\r\n")[:-2]:
            message.trailers.append(_field(line))
        return True

    def read_chunk(self) -> bytes:
        """Return one chunk's payload; of the last one b"", and its trailers are still to be read."""
        size = int(self.read_until(b"\r\n")[:-2], 16)
        if not size:
            return b""
        data = self.read(size + 2)
        assert data.endswith(b"\r\n")
        return data[:-2]

    def ask(self, data: bytes) -> Message:
        """Send a request and return the answer to it."""
        self.send(data)
        return self.read_answer(data.split(b" ")[0])


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name, value.strip()


def get(target: str, *fields: str, host: str = "gateway.test") -> bytes:
    """Return a GET request."""
    return request("GET", target, *fields, host=host)


def request(method: str, target: str, *fields: str, host: str = "gateway.test", body: bytes | None = None) -> bytes:
    """Return a request with a Content-Length, if it has a body."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def chunked(*pieces: bytes, trailers: bytes = b"") -> bytes:
    """Return a body of these chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailers + b"\r\n"
