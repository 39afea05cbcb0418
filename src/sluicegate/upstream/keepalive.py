"""Finding out that the other side is gone without a word, where nothing has to be sent: by probes of TCP.

A machine that loses its power closes nothing. Whoever waits for it, for the rest of a body or in a tunnel, would wait
for ever; two minutes of silence, a minute of it to the probes, end the connection.
"""

from __future__ import annotations

import contextlib
import socket

IDLE_S = 60
BETWEEN_S = 15
PROBES = 4


def probe_silence(sock: socket.socket) -> None:
    """Have the system probe a connection on which nothing comes, or each that is accepted on a listening socket."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, BETWEEN_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
