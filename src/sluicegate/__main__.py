"""Where the program begins. It imports nothing of its own that takes time before a node can be ended in order.

A node that is told to end while it is still importing has nothing to drain, so it ends at once, with the status of one
that has drained: whoever stops nodes need not wait until they have started. Once there are workers, the supervisor
takes the signals (`listener.supervisor`).

Until Python has come this far, some hundredths of a second, a signal does what the system does with it.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["start"]:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, lambda *_: leave())
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # all that it would have read again is read anyway
    from sluicegate.cli import main as command

    command(prog_name="sluicegate")


def leave() -> None:
    """End at once. Nothing is thrown: what is being imported might catch it, and the node would start after all."""
    os._exit(0)


if __name__ == "__main__":
    main()
