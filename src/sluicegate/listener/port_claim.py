"""Before the workers share a port: is another node there?

Every worker has a socket of its own on the port (SO_REUSEPORT), which would let the workers of a second node in beside
them: each node would get some of the requests, by chance. So whoever starts asks for the port alone first.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterable

from sluicegate.clock import ticks
from sluicegate.listener.listener import bound_socket, cannot_listen

LEAVING_S = 2.0
"""How long a node may be on its way out that was killed: its workers find out a moment later."""
LOOK_S = 0.05


def claim_ports(address: str, ports: Iterable[int], patience_s: float = LEAVING_S) -> None:
    """Return when nobody listens on any of the ports. Raises ConfigError when that takes too long, or can never be."""
    limit = ticks() + patience_s
    for port in ports:
        while True:
            try:
                bound_socket(address, port, is_shared=False).close()
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE or ticks() >= limit:
                    raise cannot_listen(address, port, error) from None
            time.sleep(LOOK_S)
