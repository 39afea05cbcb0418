"""PEM: certificates and keys as text (RFC 7468), with the headers that OpenSSL once put before the data (RFC 1421).

Read as Go reads it: what stands around blocks is passed over, and so is a block that is no such.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

LINE_LENGTH = 64
CERTIFICATE, PUBLIC_KEY, PRIVATE_KEY = "CERTIFICATE", "PUBLIC KEY", "PRIVATE KEY"

_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,64})-----\s")
_HEADER = re.compile(rb"([A-Za-z0-9-]{1,64}):[ \t]*([^\r\n]*)\r?\n")


@dataclass(frozen=True, slots=True)
class Block:
    """One block: what it is (`CERTIFICATE`), what it says (DER), and its headers."""

    kind: str
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_private_key(self) -> bool:
        """Whether it is a private key of any form."""
        return self.kind.endswith(PRIVATE_KEY)


def blocks_of(text: bytes) -> Iterator[Block]:
    """Yield the blocks of a text, in order."""
    place = 0
    while (begin := _BEGIN.search(text, place)) is not None:
        place = begin.end()
        end = text.find(b"-----END %b-----" % begin[1], place)
        if end < 0:
            continue
        headers, start = _headers_of(text, place)
        try:
            data = b64decode(b"".join(text[start:end].split()), validate=True)
        except binascii.Error:
            continue
        yield Block(begin[1].decode(), data, headers)
        place = end


def _headers_of(text: bytes, start: int) -> tuple[dict[str, str], int]:
    headers: dict[str, str] = {}
    while (found := _HEADER.match(text, start)) is not None:
        headers[found[1].decode()] = found[2].decode("utf-8", "replace").strip()
        start = found.end()
    return headers, start


def text_of(block: Block) -> bytes:
    """Return a block as Go and OpenSSL write it, a newline at the end."""
    coded = b64encode(block.data)
    lines = [b"-----BEGIN %b-----" % block.kind.encode()]
    if block.headers:
        lines += [f"{name}: {value}".encode() for name, value in block.headers.items()] + [b""]
    lines += [coded[at : at + LINE_LENGTH] for at in range(0, len(coded), LINE_LENGTH)]
    lines += [b"-----END %b-----" % block.kind.encode(), b""]
    return b"\n".join(lines)
