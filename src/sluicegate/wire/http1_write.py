"""Writing HTTP/1.1: status lines, dates, and the bare answers to what is not HTTP."""

from __future__ import annotations

import http
from email.utils import formatdate

REASONS = {status.value: status.phrase for status in http.HTTPStatus}
REASONS |= {413: "Request Entity Too Large", 414: "Request URI Too Long", 416: "Requested Range Not Satisfiable"}
REASONS |= {418: "I'm a teapot"}  # some versions of Python have it with a capital
STATUS_LINES = [
    b"HTTP/1.1 %d %b\r\n" % (status, REASONS.get(status, f"status code {status}").encode()) for status in range(1000)
]
"""By status; the reason phrase is always the standard one, as Go has it (contract 06.7)."""


def refusal(status: int, reason: str) -> bytes:
    """Return the whole answer to something that is not HTTP (contract 06.1): plain text, without Date, then the end."""
    phrase = REASONS.get(status, "Bad Request")
    text = f"{status} {phrase}: {reason}" if reason else f"{status} {phrase}"
    body = text.encode() if status != 501 else (reason or phrase).encode()
    line = f"HTTP/1.1 {text}" if reason and status != 501 else f"HTTP/1.1 {status} {phrase}"
    return (
        line.encode()
        + b"\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n" % len(body)
        + b"Connection: close\r\n\r\n"
        + body
    )


class HttpDate:
    """The Date field of now (RFC 9110 section 5.6.7), made once a second."""

    __slots__ = ("_line", "_second")

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self, now_s: float) -> bytes:
        """Return `Date: …\\r\\n` for a moment in seconds since 1970."""
        second = int(now_s)
        if second != self._second:
            self._second = second
            self._line = b"Date: %b\r\n" % formatdate(second, usegmt=True).encode()
        return self._line
