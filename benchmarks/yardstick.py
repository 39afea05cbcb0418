"""How much CPU does a gateway spend on a request, next to nginx doing nothing but proxy? `make bench`

    make bench                                  keyless, and with key, rate, quota and analytics
    make bench ARGS="--apis 1 10000"            with one API, and beside it with so many
    make bench ARGS="--body 1000000"            with answers of so many bytes
    make bench ARGS="--varied"                  with requests that are never twice the same in a row
    make bench ARGS="--half-load"               and the 99th percentile at half of what the slowest reached

Every contender is one process on CPU 0, with one upstream (nginx) on CPU 1 behind all of them, where wrk runs too.
Rounds are interleaved, so that a drift of the machine hits all alike. CPU is user and system time of the process and
its children, from /proc. The ratio is to nginx in the same round; medians are shown. **Only ratios mean anything from
one run, or one machine, to the next.**
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.contenders import Contender, Field, all_running
from benchmarks.half_load import Tail, tails
from benchmarks.processes import cpu_s, rss_mb

CPU, LOAD_CPU = 0, 1
VARIED = Path(__file__).with_name("varied.lua")
TO_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True)
class Run:
    """What one run of wrk saw of one contender."""

    rps: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    rss_mb: float
    errors: int


@dataclass
class Row:
    """A line of the table: medians of all rounds; errors are summed up."""

    name: str
    rps: float
    cpu_us: float
    vs_nginx: float
    p50_ms: float
    p99_ms: float
    rss_mb: float
    errors: int
    half_load: Tail | None = None


def main() -> int:
    """Measure, and print a table."""
    args = arguments()
    missing = [name for name in ("nginx", "wrk", "taskset") if not shutil.which(name)]
    if missing or (os.cpu_count() or 1) < 2:
        print(f"Needs two processors, nginx, wrk and taskset; missing: {', '.join(missing)}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="yardstick-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's workers run as another user
        with all_running(Field(folder, CPU, LOAD_CPU, args.body), args.apis) as contenders:
            rows = measure(contenders, args)
    if args.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        print(table(rows))
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each run")
    parser.add_argument("--connections", type=int, default=64)
    what = "how many APIs Sluicegate serves, the last one is asked; several numbers: it runs with each"
    parser.add_argument("--apis", type=int, nargs="+", default=[1], help=what)
    parser.add_argument("--body", type=int, default=187, help="bytes of an answer")
    parser.add_argument("--varied", action="store_true", help="no request is like the one before")
    parser.add_argument("--half-load", action="store_true", help="needs h2load")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(contenders: list[Contender], args: argparse.Namespace) -> list[Row]:
    """Run all rounds."""
    for one in contenders:
        if load(one, args, 1).cpu_us < 1:
            sys.exit(f"{one.name}: process {one.pid} spends no CPU on {one.url}")
    rounds = [[load(one, args, args.seconds) for one in contenders] for _ in range(args.rounds)]
    rows = [
        summary(one, [runs[at] for runs in rounds], [runs[0] for runs in rounds]) for at, one in enumerate(contenders)
    ]
    if args.half_load:
        rate = min(row.rps for row in rows) / 2
        for row, tail in zip(rows, tails(contenders, rate, args.rounds, args.connections, LOAD_CPU), strict=True):
            row.half_load = tail
    return rows


def load(one: Contender, args: argparse.Namespace, seconds: int) -> Run:
    """Have wrk load a contender."""
    command = ["taskset", "-c", str(LOAD_CPU), "wrk", "-t1", f"-c{args.connections}", f"-d{seconds}s", "--latency"]
    for header in one.headers:
        command += ["-H", header]
    if args.varied:
        command += ["-s", str(VARIED)]
    before_s = cpu_s(one.pid)
    said = subprocess.run([*command, one.url], capture_output=True, text=True, check=True).stdout
    spent_s = cpu_s(one.pid) - before_s
    found = re.search(r"(\d+) requests in", said)
    requests = int(found[1]) if found else 0
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    return Run(
        rps=requests / seconds,
        cpu_us=1e6 * spent_s / max(requests, 1),
        p50_ms=latency_ms(said, "50%"),
        p99_ms=latency_ms(said, "99%"),
        rss_mb=rss_mb(one.pid),
        errors=(int(refused[1]) if refused else 0) + (sum(map(int, broken.groups())) if broken else 0),
    )


def latency_ms(said: str, percentile: str) -> float:
    """Return a percentile that wrk has printed."""
    found = re.search(rf"^\s+{percentile}\s+([\d.]+)(us|ms|s)", said, re.MULTILINE)
    return float(found[1]) * TO_MS[found[2]] if found else float("nan")


def summary(one: Contender, runs: list[Run], nginx: list[Run]) -> Row:
    """Return the line of a contender."""
    return Row(
        name=one.name,
        rps=statistics.median(run.rps for run in runs),
        cpu_us=statistics.median(run.cpu_us for run in runs),
        vs_nginx=statistics.median(run.cpu_us / of.cpu_us for run, of in zip(runs, nginx, strict=True)),
        p50_ms=statistics.median(run.p50_ms for run in runs),
        p99_ms=statistics.median(run.p99_ms for run in runs),
        rss_mb=statistics.median(run.rss_mb for run in runs),
        errors=sum(run.errors for run in runs),
    )


def table(rows: list[Row]) -> str:
    """Return the rows as text."""
    lines = [f"{'':32}{'rps':>9}{'CPU µs/req':>12}{'× nginx':>9}{'p50 ms':>9}{'p99 ms':>9}{'RSS MB':>8}{'errors':>8}"]
    if rows[0].half_load:
        lines[0] += f"{'p99 at half load':>18}{'stolen':>8}"
    for row in rows:
        line = f"{row.name:32}{row.rps:9.0f}{row.cpu_us:12.1f}{row.vs_nginx:9.2f}"
        line += f"{row.p50_ms:9.2f}{row.p99_ms:9.2f}{row.rss_mb:8.0f}{row.errors:8}"
        if row.half_load:
            line += f"{row.half_load.p99_ms:18.2f}{row.half_load.stolen:8.1%}"
        lines.append(line)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
