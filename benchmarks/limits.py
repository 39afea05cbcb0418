"""How exact is each limiter over several nodes? `python -m benchmarks.limits` writes the table of docs/limits.md.

Nodes are processes that share one Redis. For each limiter and number of nodes, clients of all nodes ask for four times
what the limit allows, as fast as they can; shown is what was admitted, divided by the limit. 1.00 is exact.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.counting_node import counting_nodes
from benchmarks.processes import free_port, wait_until_open

LIMITERS: dict[str, dict[str, Any]] = {
    "exact (in a cluster)": {"cluster": {"enabled": True}},
    "each node by itself (Redis without a cluster)": {},
    "`sluicegate.limiter: tyk`": {"sluicegate": {"limiter": "tyk"}},
    "`enable_redis_rolling_limiter`": {"enable_redis_rolling_limiter": True},
    "`enable_sentinel_rate_limiter`": {"enable_sentinel_rate_limiter": True},
    "`enable_fixed_window_rate_limiter`": {"enable_fixed_window_rate_limiter": True},
    "`enable_token_bucket_rate_limiter`": {"enable_token_bucket_rate_limiter": True},
    "`enable_sliding_window_rate_limiter`": {"enable_sliding_window_rate_limiter": True},
}
LIMITS = ((100, 3600), (2000, 20))
NODES = (1, 2, 3, 4, 6, 8)
TIMES_ASKED = 4
CLIENTS = 4
LONGEST_S = 15


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=NODES)
    nodes = parser.parse_args().nodes
    with _redis() as port:
        for limit, per_s in LIMITS:
            print(f"\n**{limit} in {per_s} s**\n")
            print("| limiter |" + "".join(f" {number} |" for number in nodes))
            print("|---|" + "---:|" * len(nodes), flush=True)
            for name, settings in LIMITERS.items():
                ratios = [_admitted(port, settings, number, limit, per_s) / limit for number in nodes]
                print(f"| {name} |" + "".join(f" {ratio:.2f} |" for ratio in ratios), flush=True)
    return 0


def _admitted(port: int, settings: dict[str, Any], number: int, limit: int, per_s: int) -> int:
    """Return how many requests so many nodes admit together."""
    subprocess.run(["redis-cli", "-p", str(port), "FLUSHALL"], capture_output=True, check=True)
    most = TIMES_ASKED * limit // number
    with counting_nodes(number, port, {**settings, "nodes": number}) as nodes:
        said = nodes.ask("rate-limit-k1", limit, per_s, clients=CLIENTS, seconds=LONGEST_S, most=most)
    return sum(one.get("admitted", 0) for one in said)


@contextmanager
def _redis() -> Iterator[int]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="limits-") as folder:
        log = Path(folder, "log")
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            wait_until_open(process, port, log)
            yield port
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
