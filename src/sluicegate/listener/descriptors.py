"""How many files and connections the system lets a process have open, and what that means for clients.

Many systems allow 1024 at first and far more to who asks, for the sake of old programs. A Go program asks when it
starts, so Tyk does. What cannot be had bounds the connections: a client that gets in needs a connection to an upstream
too, and is better told at once that there is no room than answered with an error.
"""

from __future__ import annotations

import contextlib
import resource

KEPT_BACK = 40
"""For the store, the log, the ports, and workers' talk."""
FOR_A_CLIENT = 2
"""Its own connection and one to an upstream."""


def raise_limit() -> None:
    """Ask for as many as may be had; processes that are started later have them too."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # some systems say that there is no limit, and have one
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def clients_at_most(wanted: int) -> int:
    """Return how many connections of clients a worker can have, of so many that it may."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(1, (allowed - KEPT_BACK) // FOR_A_CLIENT))
