"""python -m tests.soak: let writers write under faults, and say what came of it.

Exits with 0 when nothing was lost, torn, reordered, taken twice or told untruly, with 1 when something was.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.soak import clock
from tests.soak.field import Field, Result
from tests.soak.network import CannotPart, Network, OneMachine, Switch

MOST_SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--store", choices=["redis", "sentinel", "sqlite"], default="redis")
    parser.add_argument("--writes", type=int, default=10_000, help="answered writes to wait for")
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--readers", type=int, default=1, help="processes that follow as nodes do")
    parser.add_argument("--seed", type=int, default=1, help="of the faults that are chosen")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        field = Field(asked.store, Path(folder), network(), asked.writers, asked.readers)
        try:
            result = asyncio.run(field.run(asked.writes, random.Random(asked.seed), progress))
        finally:
            field.close()
    report(result)
    return 1 if result.verdict.faults else 0


def network() -> Network:
    """Return a network whose hosts can be cut off, or say why there is none."""
    if clock.library() is None:
        print("No clock leaps: libfaketime is not installed (Debian package faketime)")
    try:
        return Switch()
    except CannotPart as error:
        print(f"Nobody is cut off: {error}")
        return OneMachine()


def progress(text: str) -> None:
    """Show on a terminal how far it is."""
    if sys.stderr.isatty():
        print(f"\r{text}", end="  ", file=sys.stderr, flush=True)


def report(result: Result) -> None:
    """Print what a run came to."""
    verdict, history = result.verdict, result.history
    print(f"calls: {len(history.calls)}: {listed(result.outcomes)}")
    print(f"store: generation {history.last}; nodes noted {len(history.readings)} generations")
    print(f"faults in {result.took_s:.0f} s: {listed(result.faults)}")
    if history.switches:
        print(f"fail-overs: {len(history.switches)}; answered writes that went with a master: {gone(result)}")
    for fault in verdict.faults[:MOST_SHOWN]:
        print(f"{fault.kind}: {fault.what}")
    print(
        f"wrong: {len(verdict.faults)}" if verdict.faults else "none lost, torn, reordered, taken twice or told untruly"
    )


def gone(result: Result) -> str:
    """Return how many writes went with a master, and when those had been answered."""
    offsets_s = [
        min((call.ended_s - one.began_s for one in result.history.switches), key=abs)
        for call in result.verdict.gone_with_a_master
    ]
    span = f", {min(offsets_s):+.3f} to {max(offsets_s):+.3f} s from the fault" if offsets_s else ""
    return f"{len(offsets_s)}{span}"


def listed(counts: Mapping[str, int]) -> str:
    """Return counts as words."""
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items(), key=lambda one: -one[1]))


if __name__ == "__main__":
    sys.exit(main())
