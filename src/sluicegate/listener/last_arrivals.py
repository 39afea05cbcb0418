"""A port that is about to close: whoever got in is served, whoever comes later is told that nobody is there.

The kernel shakes hands before we accept. Were the port just closed, connections that wait to be accepted would be
reset, and their clients, who may have sent a request already, could not know whether it was done. So first new
handshakes are left unanswered, those under way come to their end and are accepted, and then the port is closed. A
client whose handshake was left unanswered tries it again after a second, and is refused.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct

LAST_ARRIVALS_S = 0.1
"""Time for handshakes under way, and for the loop to accept them."""

SO_ATTACH_FILTER = 26
FLAGS_AT = 13
"""Offset of the flags in a TCP header (RFC 9293 section 3.1); a socket's filter sees packets from there on."""
SYN, ACK = 0x02, 0x10

# Classic BPF, (code, jump if true, jump if false, value): drop what has SYN without ACK, pass everything else. The
# connections that are accepted later inherit the filter, which never meets a SYN there.
DROP_HANDSHAKES = (
    (0x30, 0, 0, FLAGS_AT),  # load a byte
    (0x54, 0, 0, SYN | ACK),  # and
    (0x15, 0, 1, SYN),  # equal?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # pass whole
)


def leave_unanswered(sock: socket.socket) -> None:
    """Have the kernel begin no further connection on a listening socket; where it cannot, nothing changes."""
    code = b"".join(struct.pack("HBBI", *one) for one in DROP_HANDSHAKES)
    memory = ctypes.create_string_buffer(code, len(code))
    with contextlib.suppress(OSError):
        sock.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(DROP_HANDSHAKES), ctypes.addressof(memory))
        )
