"""How fast what a cluster shares is in force: at a start with many definitions, and everywhere after a write.

    python -m benchmarks.shared [--apis 10 10000] [--nodes 3] [--writes 100]

Nodes of one worker each on one Redis, all on this machine. For each number of definitions: how long a node takes from
its start to `/ready`; how long a PUT takes; and how long after its answer every other node serves the change, seen by a
client that asks them in turn. Times include the client's own and depend on how many nodes share a processor.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders import SECRET
from benchmarks.processes import free_port, rss_mb
from sluicegate.cluster.document import API, Content, Key
from sluicegate.cluster.documents import Change, Documents, Origin
from sluicegate.cluster.lock import Lock
from sluicegate.cluster.open import shelf_of
from sluicegate.settings.storage import StorageOptions
from sluicegate.store.redis import RedisBackend
from sluicegate.store.redis.options import redis_options

PATIENCE_S = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--apis", type=int, nargs="+", default=[10, 10_000])
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--writes", type=int, default=100)
    asked = parser.parse_args(arguments)
    print(f"{'APIs':>6} {'nodes':>6} {'ready s':>8} {'MB':>6} {'PUT ms: median':>15} {'p99':>7}", end="")
    print(f" {'everywhere after ms: median':>28} {'p99':>7}")
    for count in asked.apis:
        with tempfile.TemporaryDirectory() as name, redis() as port:
            asyncio.run(fill(port, count))
            measure(Path(name), port, count, asked.nodes, asked.writes)
    return 0


def measure(folder: Path, redis_port: int, count: int, nodes: int, writes: int) -> None:
    """Start nodes, write, and print how long it took."""
    with contextlib.ExitStack() as stack:
        began = time.perf_counter()
        process, first = stack.enter_context(node(folder / "0", redis_port))
        ready_s = time.perf_counter() - began
        memory_mb = rss_mb(worker_of(process))
        others = [stack.enter_context(node(folder / str(at), redis_port))[1] for at in range(1, nodes)]
        puts, everywhere = [], []
        for number in range(writes):
            text = f"text {number}"
            began = time.perf_counter()
            call(first, "PUT", "/tyk/apis/api0", definition(0, text))
            written = time.perf_counter()
            puts.append(written - began)
            for other in others:
                while call(other, "GET", "/api0/") != text.encode():
                    if time.perf_counter() - written > PATIENCE_S:
                        raise TimeoutError(f"{text} is not in force at port {other}")
            everywhere.append(time.perf_counter() - written)
    print(
        f"{count:>6} {nodes:>6} {ready_s:>8.2f} {memory_mb:>6.0f} {at(puts, 0.5):>15.1f} {at(puts, 0.99):>7.1f}", end=""
    )
    print(f" {at(everywhere, 0.5):>28.1f} {at(everywhere, 0.99):>7.1f}")


def at(times_s: list[float], share: float) -> float:
    """Return a quantile, in ms."""
    return sorted(times_s)[min(len(times_s) - 1, int(len(times_s) * share))] * 1000


def definition(number: int, text: str) -> dict[str, Any]:
    """Return an API that answers with a text, itself."""
    reply = {"action": "reply", "code": 200, "data": text, "headers": {}}
    lists = {"white_list": [{"path": "/", "method_actions": {"GET": reply}}]}
    version = {"name": "Default", "use_extended_paths": True, "extended_paths": lists}
    return {
        "name": f"api {number}",
        "api_id": f"api{number}",
        "org_id": "org",
        "active": True,
        "use_keyless": True,
        "proxy": {"listen_path": f"/api{number}/", "target_url": "http://127.0.0.1:1/", "strip_listen_path": True},
        "version_data": {"not_versioned": True, "versions": {"Default": version}},
    }


async def fill(port: int, count: int) -> None:
    """Put so many definitions into the store, in one commit."""
    backend = RedisBackend(redis_options(StorageOptions(host="127.0.0.1", port=port, timeout=60)))
    documents = Documents(shelf_of(backend))
    changes = []
    for number in range(count):
        text = json.dumps(definition(number, "text")).encode()
        changes.append(Change(Key(API, f"api{number}"), Content(API, f"api{number}", text)))
    async with Lock(documents.shelf).held() as token:
        await documents.commit(changes, Origin("benchmark", token))
    await backend.close()


@contextlib.contextmanager
def redis(port: int = 0) -> Iterator[int]:
    """Run a redis-server, and give its port."""
    port = port or free_port()
    line = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    try:
        wait_for(port, "")
        yield port
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def node(
    folder: Path,
    redis_port: int,
    workers: int = 1,
    settings: Mapping[str, Any] | None = None,
    apis: Sequence[Mapping[str, Any]] = (),
) -> Iterator[tuple[int, int]]:
    """Run a node of the cluster, with these settings and definitions; give its process and port, once it is ready."""
    (folder / "apps").mkdir(parents=True)
    for api in apis:
        (folder / "apps" / f"{api['api_id']}.json").write_text(json.dumps(api))
    port = free_port()
    conf = {
        "listen_address": "127.0.0.1",
        "listen_port": port,
        "secret": SECRET,
        "app_path": str(folder / "apps"),
        "storage": {"type": "redis", "host": "127.0.0.1", "port": redis_port},
        "cluster": {"enabled": True},
    } | dict(settings or {})
    (folder / "tyk.conf").write_text(json.dumps(conf))
    command = [str(Path(sys.executable).with_name("sluicegate")), "start", "--conf", str(folder / "tyk.conf")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--workers", str(workers)], stdout=log, stderr=log)
    try:
        wait_for(port, "/ready")
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


def worker_of(pid: int) -> int:
    """Return the process of a node's worker."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def wait_for(port: int, path: str) -> None:
    """Wait until something listens, and if there is a path, answers it with 200. Raises TimeoutError."""
    deadline = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            with contextlib.closing(connection):
                connection.connect()
                if not path:
                    return
                connection.request("GET", path)
                if connection.getresponse().status == 200:
                    return
        time.sleep(0.01)
    raise TimeoutError(f"nothing ready at port {port}")


def wait_for_status(port: int, path: str, key: str, status: int) -> None:
    """Ask with a key until the answer has this status. Raises TimeoutError."""
    deadline = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Authorization": key})
            if connection.getresponse().status == status:
                return
        time.sleep(0.01)
    raise TimeoutError(f"no {status} from port {port}")


def make_key(port: int, api_id: str, **limits: Any) -> str:
    """Make a key to an API, and return it."""
    rights = {api_id: {"api_id": api_id, "versions": ["Default"]}}
    document = {"org_id": "org", "access_rights": rights, **limits}
    return str(json.loads(call(port, "POST", "/tyk/keys", document))["key"])


def call(port: int, method: str, path: str, document: Any = None) -> bytes:
    """Send a request, and return the answer's body. Raises RuntimeError when the gateway API refuses."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body, {"X-Tyk-Authorization": SECRET})
        answer = connection.getresponse()
        text = answer.read()
    if document is not None and answer.status != 200:
        raise RuntimeError(f"{answer.status}: {text!r}")
    return text


if __name__ == "__main__":
    sys.exit(main())
