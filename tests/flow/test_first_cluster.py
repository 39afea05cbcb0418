"""examples/first-cluster runs as written, with processes in place of containers: only addresses are others."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.balancers import running, running_nginx
from tests.gateway import merged, until
from tests.load import Load
from tests.processes import children
from tests.servers import free_ports, running_redis
from tests.wire import Message, Wire, get, request

EXAMPLE = Path(__file__).parents[2] / "examples/first-cluster"
SERVICES: dict[str, Any] = yaml.safe_load((EXAMPLE / "compose.yaml").read_text())["services"]
NODES = [name for name in SERVICES if name.startswith("gateway-node-")]
PASSWORD, SECRET = "redis-pw", "gateway-secret"
CHOSEN = {"${REDIS_PASSWORD:?choose one}": PASSWORD, "${TYK_GW_SECRET:-}": SECRET}
FULL: dict[str, Any] = {"threads": 12, "connections": 400}
"""The load of the page."""
KEY = {
    "org_id": "default",
    "rate": 10,
    "per": 600,
    "quota_max": -1,
    "access_rights": {"keyed": {"api_id": "keyed", "api_name": "Keyed", "versions": ["Default"]}},
}


class Cluster:
    """The deployment. `ports` says where each part listens; all nodes read the definitions in `apps`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.apps = folder, folder / "apps"
        self.stack = ExitStack()
        names = ["redis-cluster", "nginx", "service", "file-node", *NODES]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.processes: dict[str, Any] = {}

    def __enter__(self) -> Cluster:
        self.apps.mkdir()
        for file in (EXAMPLE / "apps").iterdir():
            here = file.read_text().replace("http://service:80/", f"http://127.0.0.1:{self.ports['service']}/")
            (self.apps / file.name).write_text(here)
        self.redis = self.stack.enter_context(ExitStack())
        self.start_redis()
        service = f'server {{ listen 127.0.0.1:{self.ports["service"]}; return 200 "service"; }}'
        self.stack.enter_context(running_nginx(self.place("service"), service, self.ports["service"]))
        for name in NODES:
            self.start(name)
        text = (EXAMPLE / "nginx.conf").read_text().replace("listen 80;", f"listen 127.0.0.1:{self.ports['nginx']};")
        for name in NODES:
            text = text.replace(f"{name}:8080", f"127.0.0.1:{self.ports[name]}")
        self.stack.enter_context(running_nginx(self.place("nginx"), text, self.ports["nginx"]))
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def place(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def start_redis(self) -> None:
        command = [CHOSEN.get(word, word) for word in SERVICES["redis-cluster"]["command"]]
        assert command[0] == "redis-server"
        self.redis.enter_context(running_redis(self.folder, *command[1:], port=self.ports["redis-cluster"]))

    def kill_redis(self) -> None:
        self.redis.close()

    def start(self, name: str) -> None:
        """Start a node with the environment of the Compose file, and no file."""
        environ = {key: CHOSEN.get(value, value) for key, value in SERVICES[name]["environment"].items()}
        assert environ["TYK_REDIS_HOST"] == "redis-cluster"
        environ |= {"TYK_REDIS_HOST": "127.0.0.1", "TYK_REDIS_PORT": str(self.ports["redis-cluster"])}
        self.run(name, ["start"], environ)

    def start_with_file(self, name: str) -> None:
        """Start a node with the example's `tyk.conf`."""
        address = f"127.0.0.1:{self.ports['redis-cluster']}"
        document = json.loads((EXAMPLE / "tyk.conf").read_text())
        assert document["storage"].pop("hosts") == {"redis-cluster:6379": "redis-cluster:6379"}
        here = merged(document, {"storage": {"hosts": {address: address}}})
        (self.place(name) / "other.conf").write_text(json.dumps(here))
        environ = {"TYK_SECRET_GATEWAY": SECRET, "TYK_SECRET_REDIS_PASSWORD": PASSWORD}
        self.run(name, ["start", "--conf", "other.conf"], environ)

    def run(self, name: str, words: list[str], environ: dict[str, str]) -> None:
        folder, port = self.place(name), self.ports[name]
        if not (folder / "apps").exists():
            (folder / "apps").symlink_to(self.apps)
        environ = environ | {"TYK_GW_LISTENPORT": str(port), "TYK_GW_SLUICEGATE_WORKERS": "1"}
        line = [str(Path(sys.executable).with_name("sluicegate")), *words]
        self.processes[name] = self.stack.enter_context(running(line, folder, port, environ))
        until(lambda: self.ask(get("/ready"), name).status == 200, f"{name} is ready")

    def stop(self, name: str) -> int:
        self.processes[name].send_signal(signal.SIGTERM)
        return int(self.processes[name].wait(40))

    def kill(self, name: str) -> None:
        """End a node by force, with its workers."""
        process = self.processes[name]
        for pid in [process.pid, *children(process.pid)]:
            os.kill(pid, signal.SIGKILL)
        process.wait(40)

    def ask(self, data: bytes, name: str = "nginx") -> Message:
        with Wire(socket.create_connection(("127.0.0.1", self.ports[name]), 20)) as wire:
            return wire.ask(data)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.ports['nginx']}{path}"

    def make_key(self, name: str, **limits: int) -> str:
        body = json.dumps({**KEY, **limits}).encode()
        answer = self.ask(request("POST", "/tyk/keys", f"X-Tyk-Authorization: {SECRET}", body=body), name)
        assert answer.status == 200, answer
        return str(json.loads(answer.body)["key"])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def test_nginx_says_that_all_is_well(cluster: Cluster) -> None:
    answer = cluster.ask(get("/hello"))
    assert (answer.status, json.loads(answer.body)["status"]) == (200, "pass")
    assert cluster.ask(get("/open/")).body == b"service"


def status(cluster: Cluster) -> dict[str, Any]:
    answer = cluster.ask(get("/tyk/cluster/status", f"X-Tyk-Authorization: {SECRET}"))
    assert answer.status == 200, answer
    found: dict[str, Any] = json.loads(answer.body)
    return found


def agree(cluster: Cluster) -> bool:
    """Whether both nodes are there, and serve the same."""
    found = status(cluster)
    return found["converged"] and [node["state"] for node in found["nodes"]] == ["ready", "ready"]


def test_both_nodes_are_there_and_agree(cluster: Cluster) -> None:
    until(lambda: agree(cluster), "both are ready")


def test_a_limit_is_one_limit_whichever_node_counts(cluster: Cluster) -> None:
    key = cluster.make_key(NODES[0])
    statuses = [cluster.ask(get("/keyed/", f"Authorization: {key}")).status for _ in range(20)]
    assert statuses.count(200) == 10
    assert statuses.count(429) == 10


def test_a_node_with_the_file_is_one_of_them(cluster: Cluster) -> None:
    cluster.start_with_file("file-node")
    key = cluster.make_key("file-node")
    asked = get("/keyed/", f"Authorization: {key}")
    assert [cluster.ask(asked, name).status for name in ("file-node", *NODES)] == [200, 200, 200]
    assert cluster.stop("file-node") == 0


def test_a_changed_definition_reaches_all_nodes(cluster: Cluster) -> None:
    document = json.loads((cluster.apps / "open.json").read_text())
    changed = merged(document, {"api_id": "more", "name": "More", "proxy": {"listen_path": "/more/"}})
    (cluster.apps / "more.json").write_text(json.dumps(changed))
    assert cluster.ask(get("/tyk/reload/group", f"X-Tyk-Authorization: {SECRET}")).status == 200
    for name in NODES:
        until(lambda name=name: cluster.ask(get("/more/"), name).status == 200, f"{name} has it")


def test_no_answer_is_bad_while_a_node_is_stopped(cluster: Cluster, tmp_path: Path) -> None:
    with Load(tmp_path, cluster.url("/open/"), **FULL) as load:
        until(lambda: cluster.ask(get("/open/")).status == 200)
        assert cluster.stop(NODES[1]) == 0
        assert [cluster.ask(get("/open/")).status for _ in range(20)] == [200] * 20
        cluster.start(NODES[1])
        assert [cluster.ask(get("/open/")).status for _ in range(20)] == [200] * 20
    assert load.result.failed == 0, load.result
    assert load.result.requests > 400


def test_no_answer_is_bad_while_a_node_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    with Load(tmp_path, cluster.url("/open/"), **FULL) as load:
        until(lambda: cluster.ask(get("/open/")).status == 200)
        cluster.kill(NODES[1])
        assert [cluster.ask(get("/open/")).status for _ in range(20)] == [200] * 20
    assert load.result.failed == 0, load.result
    assert load.result.requests > 400
    cluster.start(NODES[1])


def load_of_the_page(cluster: Cluster, path: str, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "URL": cluster.url(path), "DURATION_S": "1"}
    line = [str(EXAMPLE / "load.sh"), *command]
    return subprocess.run(line, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_the_load_of_the_page_finds_no_bad_answer_at_a_change(cluster: Cluster) -> None:
    document = json.loads((cluster.apps / "open.json").read_text())
    (cluster.apps / "open.json").write_text(json.dumps(merged(document, {"name": "Still open"})))
    reload = ["curl", "-sf", "-H", f"X-Tyk-Authorization: {SECRET}", cluster.url("/tyk/reload/group?block=true")]
    done = load_of_the_page(cluster, "/open/", *reload)
    assert done.returncode == 0, done
    assert " not 200: 0;" in done.stdout


def test_the_load_of_the_page_says_which_answers_are_bad(cluster: Cluster) -> None:
    done = load_of_the_page(cluster, "/keyed/", "true")
    assert done.returncode == 1, done
    assert "such as: 401" in done.stdout


def test_nobody_is_refused_while_redis_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    key = cluster.make_key(NODES[0], rate=-1, per=-1)
    known = get("/keyed/", f"Authorization: {key}")
    unknown = get("/keyed/", "Authorization: nobody-has-this-key")
    assert [cluster.ask(known, name).status for name in NODES] == [200, 200]
    with Load(tmp_path, cluster.url("/keyed/"), headers={"Authorization": key}, **FULL) as load:
        cluster.kill_redis()
        try:
            for name in NODES:
                until(lambda name=name: status_of_redis(cluster, name) == "fail", f"{name} has noticed")
                assert [cluster.ask(known, name).status for _ in range(5)] == [200] * 5
                answer = cluster.ask(unknown, name)
                assert (answer.status, answer.get(b"retry-after")) == (503, b"1")
            assert [cluster.ask(get("/open/")).status for _ in range(10)] == [200] * 10
            assert not status(cluster)["converged"] and status(cluster)["problem"]
        finally:
            cluster.start_redis()
        for name in NODES:
            until(lambda name=name: cluster.ask(unknown, name).status == 403, f"{name} asks Redis again")
    assert load.result.bad == 0, load.result
    assert load.result.requests > 400
    until(lambda: agree(cluster), "all is well again")


def status_of_redis(cluster: Cluster, name: str) -> str:
    return str(json.loads(cluster.ask(get("/hello"), name).body)["status"])


def test_the_page_names_every_line() -> None:
    page = (EXAMPLE / "README.md").read_text()
    for name in SERVICES[NODES[0]]["environment"]:
        assert name in page
    for word in ("keepalive 32", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "--requirepass", "node_id"):
        assert word in page
