"""How supervisor and workers talk: messages over a socket pair, each a length (4 bytes, big-endian) and MessagePack.

worker → supervisor    Ready, Ask (have every worker do it), AskPage (metrics), Done (it is done here), Remember
supervisor → worker    Do (do it), Answer (to an Ask or AskPage), Drain
"""

from __future__ import annotations

import struct

import msgspec

LENGTH = struct.Struct(">I")
LONGEST_BYTES = 256 * 1024 * 1024


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The worker serves."""


class Ask(msgspec.Struct, frozen=True, tag=True):
    """Have every worker do something; answered when all have."""

    number: int
    what: str
    argument: bytes = b""


class AskPage(msgspec.Struct, frozen=True, tag=True):
    """Make the page of metrics over all workers."""

    number: int


class Remember(msgspec.Struct, frozen=True, tag=True):
    """Keep this for workers that are started later, by name; None is forgotten."""

    changed: dict[bytes, bytes | None]


class Do(msgspec.Struct, frozen=True, tag=True):
    """Do something, and say when it is done."""

    number: int
    what: str
    argument: bytes = b""


class Done(msgspec.Struct, frozen=True, tag=True):
    """It is done, or it failed (`error`)."""

    number: int
    error: str = ""


class Answer(msgspec.Struct, frozen=True, tag=True):
    """The answer to an Ask or AskPage."""

    number: int
    error: str = ""
    data: bytes = b""


class Drain(msgspec.Struct, frozen=True, tag=True):
    """Finish what is under way, take nothing new, and end."""


Message = Ready | Ask | AskPage | Remember | Do | Done | Answer | Drain

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """Return the bytes of a message."""
    body = _encoder.encode(message)
    return LENGTH.pack(len(body)) + body


class MessageReader:
    """Takes bytes as they come, and returns whole messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that are whole now. Raises ValueError for what is none."""
        self._buffer += data
        messages: list[Message] = []
        at = 0
        while len(self._buffer) - at >= LENGTH.size:
            (size,) = LENGTH.unpack_from(self._buffer, at)
            if size > LONGEST_BYTES:
                raise ValueError(f"message of {size} bytes")
            end = at + LENGTH.size + size
            if len(self._buffer) < end:
                break
            try:
                messages.append(_decoder.decode(bytes(self._buffer[at + LENGTH.size : end])))
            except msgspec.DecodeError as error:
                raise ValueError(str(error)) from None
            at = end
        del self._buffer[:at]
        return messages
