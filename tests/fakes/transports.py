"""The network in memory: what a connection writes is kept, and a test says what the kernel would."""

from __future__ import annotations

from typing import Any


class FakeTransport:
    """A transport of asyncio without a socket.

    written: all that was sent.  ended: our side is closed.  gone: closed or cut.
    unsent:  what `get_write_buffer_size` says, for a test to set.
    """

    def __init__(self) -> None:
        self.written = b""
        self.ended = self.gone = self.aborted = self.paused = False
        self.unsent = 0

    def write(self, data: bytes) -> None:
        assert not self.ended
        if not self.gone:
            self.written += data

    def get_extra_info(self, name: str) -> Any:
        return ("192.0.2.7", 5000) if name == "peername" else None

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.gone = True

    def abort(self) -> None:
        self.gone = self.aborted = True

    def pause_reading(self) -> None:
        assert not self.gone
        self.paused = True

    def resume_reading(self) -> None:
        assert not self.gone
        self.paused = False
