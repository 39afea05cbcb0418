"""`sluicegate verify` on a cluster that is there: nodes, Redis with a replica and Sentinels, nginx in front."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.balancers import Balancer
from tests.gateway import SECRET, START_PATIENCE_S, Gateway, until
from tests.servers import running_redis
from tests.topologies import MASTER, SentinelSet, running_cluster, running_sentinels
from tests.wire import ClosedError, get

from sluicegate.cli.verify.specimen import Specimen
from sluicegate.cli.verify.target import Target

SLUICEGATE = str(Path(sys.executable).with_name("sluicegate"))
NODES = ("one", "two")

pytestmark = pytest.mark.timeout(150)  # nodes that end and come back, and fail-overs


@dataclass
class Nodes:
    """Some nodes with one store, and what `verify` says of them."""

    gateways: dict[str, Gateway]
    folder: Path

    def run(self, *words: str) -> tuple[int, dict[str, Any], str]:
        """Return exit code, the table as results by name, and what was told meanwhile."""
        done = subprocess.run(
            self.line("--json", *words), capture_output=True, text=True, env=self.environ, stdin=subprocess.DEVNULL
        )
        results = {one["name"]: one for one in json.loads(done.stdout or '{"checks": []}')["checks"]}
        return done.returncode, results, done.stderr

    def line(self, *words: str) -> list[str]:
        return [SLUICEGATE, "verify", "--url", f"http://127.0.0.1:{self.gateways['one'].port}", *words]

    @property
    def environ(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "TYK_GW_SECRET": SECRET}

    def stop_and_start(self) -> list[str]:
        """Return options with commands that stop and start a node; they write down what they do."""
        script = self.folder / "node"
        starts = "\n".join(
            f"  start-{name}) setsid {SLUICEGATE} start --conf {one.conf_file} --workers 1 >>{one.log_file} 2>&1 &"
            f" echo $! >{self.folder}/pid-{name} ;;"
            for name, one in self.gateways.items()
        )
        stops = "\n".join(f"  stop-{name}) kill -TERM $(cat {self.folder}/pid-{name}) ;;" for name in self.gateways)
        script.write_text(
            f'#!/bin/sh\necho "$1 $NODE_ID at $NODE_HOST" >>{self.folder}/done\n'
            f'case "$1-$NODE_ID" in\n{starts}\n{stops}\nesac\n'
        )
        script.chmod(0o755)
        for name, one in self.gateways.items():
            assert one.process is not None
            (self.folder / f"pid-{name}").write_text(str(one.process.pid))
        return ["--stop-node", f"{script} stop", "--start-node", f"{script} start"]

    def kill_started(self) -> None:
        """End by force the nodes that a command has started."""
        for name, one in self.gateways.items():
            with suppress(OSError):
                pid = int((self.folder / f"pid-{name}").read_text())
                if str(one.conf_file) in Path(f"/proc/{pid}/cmdline").read_text():
                    os.killpg(pid, signal.SIGKILL)

    def is_clean(self) -> bool:
        """Return whether nothing of `verify` is left on any node."""
        found = [one.admin("GET", "/tyk/apis/sluicegate-verify")[0] for one in self.gateways.values()]
        keys = self.gateways["one"].admin("GET", "/tyk/keys")[1]
        return found == [404] * len(found) and keys == {"keys": []}


@pytest.fixture
def make_nodes(tmp_path: Path) -> Iterator[Callable[..., Nodes]]:
    """Returns what starts two nodes with a store."""
    with ExitStack() as stack:

        def make(storage: dict[str, Any], **more: Any) -> Nodes:
            gateways = {}
            for name in NODES:
                (folder := tmp_path / name).mkdir()
                cluster = {"enabled": True, "data_sync_interval": 1, "node_id": name}
                conf = {"cluster": cluster, "storage": storage, "enable_hashed_keys_listing": True, **more}
                gateways[name] = one = Gateway(folder, conf=conf)
                stack.callback(one.kill)
                one.start()
            made = Nodes(gateways, tmp_path)
            stack.callback(made.kill_started)
            return made

        yield make


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[SentinelSet]:
    (folder := tmp_path / "redis").mkdir()
    with running_sentinels(folder) as servers:
        yield servers


def is_ready(gateway: Gateway) -> bool:
    with suppress(OSError, ClosedError):
        return gateway.ask(get("/ready")).status == 200
    return False


def storage_of(redis: SentinelSet) -> dict[str, Any]:
    return {"type": "redis", "addrs": [f"127.0.0.1:{one.port}" for one in redis.sentinels], "master_name": MASTER}


def test_everything_is_tried_through_the_balancer(
    make_nodes: Callable[..., Nodes], sentinels: SentinelSet, tmp_path: Path
) -> None:
    nodes = make_nodes(storage_of(sentinels))
    fail_over = f"redis-cli -p {sentinels.sentinels[0].port} SENTINEL FAILOVER {MASTER}"
    before = sentinels.master().port
    with Balancer(tmp_path, "nginx", [one.port for one in nodes.gateways.values()]) as front:
        url = f"http://127.0.0.1:{front.port}"
        named = f"http://127.0.0.1:{nodes.gateways['two'].port}"  # the one that will be stopped
        commands = [*nodes.stop_and_start(), "--fail-over", fail_over]
        code, results, said = nodes.run("--url", named, "--front", url, "--strict", *commands)
    assert code == 0, (results, said)
    assert list(results) == [
        "the nodes agree",
        "the store can fail over",
        "add an API",
        "change the configuration",
        "keys are shared",
        "limits are shared",
        "stop a node",
        "lose the Redis master",
        "remove it again",
    ]
    assert all(one["passed"] for one in results.values())
    under_traffic = [results[name] for name in list(results)[3:-1]]
    assert all(one["requests"] and not one["failed"] and one["seconds"] for one in under_traffic), results
    assert (tmp_path / "done").read_text() == "stop two at 127.0.0.1\nstart two at 127.0.0.1\n"
    assert sentinels.master().port != before
    assert nodes.is_clean()


def test_by_hand_over_a_redis_cluster(make_nodes: Callable[..., Nodes], tmp_path: Path) -> None:
    (folder := tmp_path / "redis").mkdir()
    with running_cluster(folder) as redis:
        addresses = [f"127.0.0.1:{one.port}" for one in redis.servers]
        nodes = make_nodes({"type": "redis", "addrs": addresses, "enable_cluster": True})
        line = nodes.line("--ask", "--json")
        with subprocess.Popen(
            line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=nodes.environ
        ) as run:
            assert run.stderr is not None and run.stdout is not None
            for text in run.stderr:
                if "Stop two (http://127.0.0.1:" in text:
                    nodes.gateways["two"].stop()
                if "Start two" in text:
                    nodes.gateways["two"].start()
                if "Let Redis fail over" in text:
                    assert redis.servers[3].command("CLUSTER", "FAILOVER") == "OK"
            found = json.load(run.stdout)
        assert (run.returncode, found["passed"]) == (0, True), found
        results = {one["name"]: one for one in found["checks"]}
        assert results["the store can fail over"]["note"].startswith("cluster, 3 masters, 1 replica each")
        assert f"127.0.0.1:{redis.servers[3].port}" in results["lose the Redis master"]["note"]
        assert all(one["passed"] and not one["failed"] for one in found["checks"])
        assert nodes.is_clean()


@pytest.fixture
def single(make_nodes: Callable[..., Nodes], tmp_path: Path) -> Iterator[Nodes]:
    """Two nodes with one Redis."""
    (folder := tmp_path / "redis").mkdir()
    with running_redis(folder) as redis:
        yield make_nodes({"type": "redis", "host": "127.0.0.1", "port": redis.port})


def test_what_nobody_does_is_not_tested(single: Nodes) -> None:
    code, results, said = single.run("--strict")
    assert code == 1, said
    untested = {name: one["note"] for name, one in results.items() if one["passed"] is None}
    assert untested == {
        "the store can fail over": "the store is a single one (single): nothing would take over",
        "stop a node": "give --stop-node COMMAND, or --ask",
        "lose the Redis master": "the store is a single one: nothing would take over",
    }
    assert all(one["passed"] for name, one in results.items() if name not in untested), results

    single.gateways["two"].kill()
    until(lambda: "lost" in json.dumps(single.gateways["one"].admin("GET", "/tyk/cluster/status")[1]), "it is lost", 25)
    code, results, said = single.run(*single.stop_and_start(), "--fail-over", "false")
    assert code == 1, said
    assert "two is " in results["the nodes agree"]["note"]
    assert {one["passed"] for name, one in results.items() if name != "the nodes agree"} == {None}
    assert not (single.folder / "done").exists(), "a cluster that is hurt is not hurt more"


def test_nothing_is_left_by_one_that_is_interrupted(single: Nodes) -> None:
    done = single.folder / "done"
    line = single.line(*single.stop_and_start())
    with subprocess.Popen(line, env=single.environ, stdout=subprocess.PIPE, text=True) as run:
        until(lambda: done.exists() and "stop two" in done.read_text(), "a node is stopped", START_PATIENCE_S)
        code, _, said = single.run()
        assert (code, "another one tries this cluster, since" in said) == (2, True), said
        run.send_signal(signal.SIGTERM)
        assert run.stdout is not None
        table = run.stdout.read()
    assert run.returncode == 2
    assert "limits are shared" in table and "stop a node" not in table
    assert done.read_text().splitlines()[-1] == "start two at 127.0.0.1"
    until(lambda: is_ready(single.gateways["two"]), "it is back", START_PATIENCE_S)
    assert single.is_clean()


def test_the_node_of_a_configuration_file_is_asked_and_a_wrong_secret_is_told(single: Nodes) -> None:
    line = [SLUICEGATE, "verify", "--conf", str(single.gateways["one"].conf_file)]
    done = subprocess.run(line, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 nodes, generation 0" in done.stdout and "FAILED " not in done.stdout.partition("\n")[2]

    code, results, said = single.run("--secret", "wrong")
    assert (code, results, "403" in said) == (2, {}, True), said
    code, results, said = single.run("--front", "balancer")
    assert (code, results, "write http://host:port" in said) == (2, {}, True), said
    assert single.is_clean()


def test_what_was_left_long_ago_is_cleared_away(single: Nodes) -> None:
    left = Specimen(Target(f"http://127.0.0.1:{single.gateways['one'].port}", SECRET, None))
    left._since -= timedelta(hours=2)
    left.write()
    code, results, said = single.run()
    assert code == 0, (results, said)
    assert single.is_clean()


def test_a_node_that_is_in_no_cluster(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        code, results, said = Nodes({"one": gateway}, tmp_path).run()
        assert code == 1, said
        assert "cluster.enabled is not set" in results["add an API"]["note"]
        assert results["remove it again"]["passed"] and results["stop a node"]["passed"] is None
