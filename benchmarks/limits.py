"""How exact is each limiter over several nodes? `python -m benchmarks.limits` writes the tables of docs/limits.md.

    python -m benchmarks.limits [--nodes 1 2 3] [--only WORDS]

Nodes of one worker each share one Redis, all on this machine. For each limiter and number of nodes, clients of all
nodes ask with one key for four times what it may, as fast as they can; shown is what was admitted, divided by the
limit. 1.00 is exact.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.contenders import Field, upstream
from benchmarks.limit_clients import admitted
from benchmarks.processes import free_port
from benchmarks.shared import make_key, node, redis, wait_for_status

LIMITS = ((100, 3600), (2000, 20))
TIMES_ASKED = 4
SETTLED_S = 2.5
"""Until nodes that announce themselves every second have heard of one another."""
PATIENT_S = 5.0
"""So many nodes on one machine are slow, and Redis with them: that is not to be taken for one that is away."""
API, PATH = "keyed", "/keyed/"


def rate(limit: int, per_s: int, **more: Any) -> dict[str, Any]:
    """Return what a key says of its rate."""
    return {"rate": limit, "per": per_s, "quota_max": -1, **more}


def smoothed(limit: int, per_s: int) -> dict[str, Any]:
    """Return what a key says whose limit begins at the half, and grows later than anybody looks here."""
    steps = {"enabled": True, "threshold": limit // 2, "trigger": 0.5, "step": limit // 10, "delay": per_s}
    return rate(limit, per_s, smoothing=steps)


def quota(limit: int, per_s: int) -> dict[str, Any]:
    """Return what a key says that has a quota."""
    return {"rate": -1, "per": -1, "quota_max": limit, "quota_remaining": limit, "quota_renewal_rate": per_s}


@dataclass(frozen=True, slots=True)
class Row:
    """A limiter.

    settings: what asks for it.
    key:      given limit and window, what a key says of them.
    clients:  how many ask a node at once; 0: half as many again as may wait for their turn.
    flows:    it is a bucket: what flowed in or out while it was asked counts as part of the limit.
    away:     Redis is ended when each node has asked it once.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    key: Callable[[int, int], dict[str, Any]] = rate
    clients: int = 4
    flows: bool = False
    away: bool = False


THROTTLED = partial(rate, throttle_interval=0.1, throttle_retry_limit=1)
SMOOTHED = {"enable_redis_rolling_limiter": True, "enable_rate_limit_smoothing": True}
ROWS = {
    "exact (in a cluster)": Row(),
    "the same, a key with `throttle_retry_limit`": Row(key=THROTTLED, clients=64),
    "the same, Redis away: each node its share": Row(away=True),
    "quota (with any limiter)": Row(key=quota),
    "quota, Redis away: each node its share": Row(key=quota, away=True),
    "each node by itself (Redis without a cluster)": Row({"cluster": {"enabled": False}}),
    "`sluicegate.limiter: tyk` (DRL)": Row({"sluicegate": {"limiter": "tyk"}}),
    "the same, `drl_enable_sentinel_rate_limiter`": Row(
        {"sluicegate": {"limiter": "tyk"}, "drl_enable_sentinel_rate_limiter": True}
    ),
    "`enable_redis_rolling_limiter` (sliding log)": Row({"enable_redis_rolling_limiter": True}),
    "the same, `enable_rate_limit_smoothing`": Row(SMOOTHED, smoothed),
    "`enable_sentinel_rate_limiter`": Row({"enable_sentinel_rate_limiter": True}),
    "`enable_fixed_window_rate_limiter`": Row({"enable_fixed_window_rate_limiter": True}),
    "`enable_token_bucket_rate_limiter`": Row({"enable_token_bucket_rate_limiter": True}, flows=True),
    "`enable_leaky_bucket_rate_limiter`": Row({"enable_leaky_bucket_rate_limiter": True}, clients=0, flows=True),
    "`enable_sliding_window_rate_limiter`": Row({"enable_sliding_window_rate_limiter": True}),
}


def main() -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=list(range(1, 9)))
    parser.add_argument("--only", default="", help="rows that have these words in their name")
    asked = parser.parse_args()
    rows = {name: row for name, row in ROWS.items() if asked.only in name}
    found = {}
    for name, row in rows.items():
        found[name] = measured(row, asked.nodes)
        print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    for limit, per_s in LIMITS:
        print(f"\n**{limit} in {per_s} s**\n")
        print("| limiter |" + "".join(f" {number} |" for number in asked.nodes))
        print("|---|" + "---:|" * len(asked.nodes))
        for name in rows:
            print(f"| {name} |" + "".join(f" {found[name][number, limit]:.2f} |" for number in asked.nodes))
    return 0


def measured(row: Row, numbers: list[int]) -> dict[tuple[int, int], float]:
    """Return what was admitted, divided by the limit, by number of nodes and limit."""
    found = {}
    with ExitStack() as stack, Store() as store:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="limits-")))
        service = stack.enter_context(upstream(Field(folder, 0, 1, 200)))
        nodes: list[int] = []
        for number in sorted(numbers):
            while len(nodes) < number:
                nodes.append(stack.enter_context(keyed_node(folder / str(len(nodes)), store.port, row, service))[1])
            time.sleep(SETTLED_S)
            for limit, per_s in LIMITS:
                found[number, limit] = share_admitted(row, nodes, store, limit, per_s)
    return found


def keyed_node(folder: Path, redis_port: int, row: Row, service: int) -> AbstractContextManager[tuple[int, int]]:
    """Return a node that asks for a key."""
    api = {
        "name": API,
        "api_id": API,
        "org_id": "org",
        "active": True,
        "use_keyless": False,
        "use_standard_auth": True,
        "auth": {"auth_header_name": "Authorization"},
        "proxy": {"listen_path": PATH, "target_url": f"http://127.0.0.1:{service}/", "strip_listen_path": True},
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
    }
    own = {"store_failure": {"timeout_s": PATIENT_S}, **row.settings.get("sluicegate", {})}
    settings = {"drl_notification_frequency": 1, **row.settings, "sluicegate": own}
    return node(folder, redis_port, settings=settings, apis=[api])


class Store:
    """A Redis that can be ended, and started again on its port."""

    def __init__(self) -> None:
        self.port, self._running = free_port(), ExitStack()

    def __enter__(self) -> Store:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> None:
        """Start it, empty."""
        self._running.enter_context(redis(self.port))

    def end(self) -> None:
        """End it at once."""
        self._running.close()


def share_admitted(row: Row, nodes: list[int], store: Store, limit: int, per_s: int) -> float:
    """Return what all nodes together admit, divided by the limit."""
    key = make_key(nodes[0], API, **row.key(limit, per_s))
    each = TIMES_ASKED * limit // len(nodes)
    if not row.away:
        found, seconds = admitted(nodes, PATH, key, row.clients or 3 * limit // (2 * len(nodes)), each)
        return found / (limit * (1 + seconds / per_s) if row.flows else limit)
    for port in nodes:
        wait_for_status(port, PATH, key, 200)
    store.end()
    try:
        later, _ = admitted(nodes, PATH, key, row.clients, each)
    finally:
        store.start()
    for port in nodes:
        wait_for_status(port, PATH, "nobody", 403)  # and no longer 503: the store is asked again
    return (len(nodes) + later) / limit


if __name__ == "__main__":
    sys.exit(main())
