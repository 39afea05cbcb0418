"""How it is with many APIs: start, memory, and a reload of all of them under load.

    python -m benchmarks.scale [--apis 1000 10000] [--reloads 200]

One worker on one processor; upstream and clients on another. A client asks on one connection as fast as it can, and
the longest that it waited during the reload is the pause, the kernel's share included; what the event loop itself saw
is in the last column, as the bucket of its histogram.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders import SECRET, Field, upstream
from benchmarks.processes import family, free_port, pinned, rss_mb

QUIET_S = 3.0
LAG = "sluicegate_event_loop_lag_seconds_bucket"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--apis", type=int, nargs="+", default=[1, 1000, 10_000])
    parser.add_argument("--reloads", type=int, default=1, help="how often to reload all of them, changed")
    parser.add_argument("--cpu", type=int, default=0, help="processor of the gateway")
    parser.add_argument("--other-cpu", type=int, default=1, help="processor of upstream and clients")
    asked = parser.parse_args(arguments)
    print(f"{'APIs':>6} {'ready s':>8} {'MB':>6} {'reload s':>9} {'MB after 1':>10} {'MB after':>9}", end="")
    print(f" {'requests':>9} {'failed':>7} {'longest ms':>11} {'usual p99.9':>12} {'loop lag':>9}")
    for count in asked.apis:
        with tempfile.TemporaryDirectory() as name:
            field = Field(Path(name), asked.cpu, asked.other_cpu, 200)
            with upstream(field) as target:
                measure(field, target, count, asked.reloads)
    return 0


def measure(field: Field, target: int, count: int, reloads: int) -> None:
    """Start a node, reload all of its APIs under load, so many times, and print what that came to."""
    port, folder = free_port(), field.folder
    write_definitions(folder / "apps", count, target, "first")
    conf = folder / "tyk.conf"
    conf.write_text(json.dumps({"listen_port": port, "secret": SECRET, "app_path": str(folder / "apps")}))
    command = [str(Path(sys.executable).with_name("sluicegate")), "start", "--conf", str(conf), "--workers", "1"]
    began = time.perf_counter()
    with pinned(field.cpu, command, port, folder / "log") as process:
        ready_s = time.perf_counter() - began
        worker = family(process.pid)[-1]
        before_mb = rss_mb(worker)
        client = Client(port, f"/api{count - 1}/")
        client.run_for(QUIET_S)
        usual_s = sorted(client.waits_s)[-max(1, len(client.waits_s) // 1000)]
        write_definitions(folder / "apps", count, target, "change 0")
        lags = loop_lags(port)
        client = Client(port, f"/api{count - 1}/")
        thread = threading.Thread(target=client.run)
        thread.start()
        time.sleep(0.2)
        reload_s = timed_reload(port)
        after_one_mb = rss_mb(worker)
        for number in range(1, reloads):
            write_definitions(folder / "apps", count, target, f"change {number}")
            reload_s = max(reload_s, timed_reload(port))
        time.sleep(0.5)
        client.stopped = True
        thread.join()
        time.sleep(1.2)  # the lags are published once a second
        print(
            f"{count:6} {ready_s:8.2f} {before_mb:6.0f} {reload_s:9.2f} {after_one_mb:10.0f} {rss_mb(worker):9.0f}"
            f" {len(client.waits_s):9} {client.failed:7} {max(client.waits_s) * 1e3:11.1f} {usual_s * 1e3:12.2f}"
            f" {longest(lags, loop_lags(port)):>9}",
            flush=True,
        )


def timed_reload(port: int) -> float:
    """Reload, and return how long that took."""
    began = time.perf_counter()
    admin(port, "/tyk/reload?block=true")
    return time.perf_counter() - began


def write_definitions(folder: Path, count: int, target: int, name: str) -> None:
    """Write so many definitions, each with a bit of everything that is usual."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number}.json").write_text(json.dumps(definition(number, target, name)))


def definition(number: int, target: int, name: str) -> dict[str, Any]:
    """Return a definition with path lists, header transforms, a rewrite, CORS and a cache."""
    lists = {
        "ignored": [{"path": "/health", "method_actions": {"GET": {"action": "no_action", "code": 200}}}],
        "hard_timeouts": [{"path": "/slow", "method": "GET", "timeout": 5}],
        "transform_headers": [{"path": "/h", "method": "GET", "add_headers": {"X-From": "$tyk_context.remote_addr"}}],
        "url_rewrites": [{"path": "/r/{id}", "method": "GET", "match_pattern": "/r/(.*)", "rewrite_to": "/x/$1"}],
        "cache": ["/cached"],
    }
    version = {"name": "Default", "use_extended_paths": True, "global_headers": {"X-A": name}, "extended_paths": lists}
    return {
        "name": f"API {number} {name}",
        "api_id": f"api{number}",
        "org_id": "default",
        "active": True,
        "use_keyless": True,
        "CORS": {"enable": True, "allowed_origins": ["*"]},
        "cache_options": {"enable_cache": True, "cache_timeout": 60},
        "version_data": {"not_versioned": True, "versions": {"Default": version}},
        "proxy": {
            "listen_path": f"/api{number}/",
            "target_url": f"http://127.0.0.1:{target}/",
            "strip_listen_path": True,
        },
    }


class Client:
    """Asks on one connection, again and again, and remembers how long each answer took."""

    def __init__(self, port: int, path: str) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
        self.waits_s: list[float] = []
        self.failed = 0
        self.stopped = False

    def run_for(self, seconds: float) -> None:
        """Ask for so long."""
        timer = threading.Timer(seconds, lambda: setattr(self, "stopped", True))
        timer.start()
        self.run()

    def run(self) -> None:
        """Ask until stopped."""
        with self.connection as connection:
            while not self.stopped:
                began = time.perf_counter()
                connection.sendall(self.request)
                answer = connection.recv(65536)
                self.waits_s.append(time.perf_counter() - began)
                self.failed += not answer.startswith(b"HTTP/1.1 200 ")


def admin(port: int, path: str) -> bytes:
    """Return the answer of the admin API."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"X-Tyk-Authorization": SECRET})
    with urllib.request.urlopen(request) as answer:
        return bytes(answer.read())


def loop_lags(port: int) -> dict[str, float]:
    """Return how often the event loop was late, by upper bound."""
    lines = admin(port, "/metrics").decode().splitlines()
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines if line.startswith(LAG)}


def longest(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """Return the bucket of the longest lag between two looks."""
    grown = {bound: after[bound] - before[bound] for bound in after}
    total = grown["+Inf"]
    return "< " + next(bound for bound, count in grown.items() if count == total) + " s"


if __name__ == "__main__":
    sys.exit(main())
