"""The PROXY protocol, versions 1 and 2: a balancer in front says who the client is (haproxy `proxy-protocol.txt`).

It stands before the first byte of the connection's own traffic, TLS included. The listener reads it where the settings
say that its peers send it; a peer that sends anything else there is cut off, since its address could not be believed.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from sluicegate.errors import BadMessage

V1_START = b"PROXY "
V1_LIMIT_BYTES = 107
"""Longest line of version 1, CRLF included (section 2.1)."""

V2_START = b"\r\n\r\n\x00\r\nQUIT\n"
V2_FIXED_BYTES = 16
V2_LIMIT_BYTES = 4096
"""Longest header of version 2 that is taken; addresses need 232 bytes at most, the rest are TLVs, which are skipped."""

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What was said, and how many bytes it took.

    source, destination: the client's and the balancer's address and port, or None when the connection speaks for
                         itself (health checks of the balancer) or the family is no internet one.
    """

    source: Address | None
    destination: Address | None
    size_bytes: int


def read_proxy_header(data: bytes) -> ProxyHeader | None:
    """Return the header that `data` begins with, or None when more bytes are needed. Raises BadMessage (400)."""
    if data.startswith(V1_START):
        return _read_v1(data)
    if data.startswith(V2_START):
        return _read_v2(data)
    if V1_START.startswith(data) or V2_START.startswith(data):
        return None
    raise _bad("no PROXY protocol header")


def write_proxy_v1(source: Address, destination: Address) -> bytes:
    """Return a header of version 1, for a connection that this node opens itself."""
    family = b"TCP6" if ":" in source[0] else b"TCP4"
    return b"PROXY %b %b %b %d %d\r\n" % (
        family,
        source[0].encode(),
        destination[0].encode(),
        source[1],
        destination[1],
    )


def _read_v1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, V1_LIMIT_BYTES)
    if end < 0:
        if len(data) >= V1_LIMIT_BYTES:
            raise _bad("PROXY line too long")
        return None
    size = end + 2
    words = data[:end].split(b" ")
    if words[1] == b"UNKNOWN":
        return ProxyHeader(None, None, size)
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise _bad("malformed PROXY line")
    version = 4 if words[1] == b"TCP4" else 6
    return ProxyHeader(
        (_ip(words[2], version), _port(words[4])),
        (_ip(words[3], version), _port(words[5])),
        size,
    )


def _ip(text: bytes, version: int) -> str:
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        raise _bad("malformed address in PROXY line") from None
    if address.version != version:
        raise _bad("malformed address in PROXY line")
    return str(address)


def _port(text: bytes) -> int:
    if not text.isdigit() or len(text) > 5 or (port := int(text)) > 65535:
        raise _bad("malformed port in PROXY line")
    return port


# (family << 4 | transport) -> struct of source, destination, ports; section 2.2. Only streams can reach a listener.
V2_LAYOUTS = {0x11: struct.Struct("!4s4sHH"), 0x21: struct.Struct("!16s16sHH")}


def _read_v2(data: bytes) -> ProxyHeader | None:
    if len(data) < V2_FIXED_BYTES:
        return None
    version_command, family, length = struct.unpack_from("!BBH", data, len(V2_START))
    if version_command >> 4 != 2 or version_command & 15 > 1:
        raise _bad("unknown PROXY protocol version or command")
    size = V2_FIXED_BYTES + length
    if size > V2_LIMIT_BYTES:
        raise _bad("PROXY header too long")
    if len(data) < size:
        return None
    layout = V2_LAYOUTS.get(family)
    if version_command & 15 == 0 or layout is None:
        return ProxyHeader(None, None, size)
    if length < layout.size:
        raise _bad("PROXY header too short for its addresses")
    source, destination, source_port, destination_port = layout.unpack_from(data, V2_FIXED_BYTES)
    return ProxyHeader(
        (str(ipaddress.ip_address(source)), source_port),
        (str(ipaddress.ip_address(destination)), destination_port),
        size,
    )


def _bad(reason: str) -> BadMessage:
    return BadMessage(400, reason)
