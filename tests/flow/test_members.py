"""Nodes of one cluster, as any of them and the command line tell of them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.gateway import SECRET, Gateway, api, merged, on_every_worker, until
from tests.servers import RedisServer, free_port, running_redis
from tests.wire import get

PATIENCE_S = 25.0
SLUICEGATE = str(Path(sys.executable).with_name("sluicegate"))
MUCH_TO_LOAD = 3000
"""Definitions, which take a node more than a second to load."""
HOME = b"\x1b[H"


def node(folder: Path, name: str, redis: RedisServer, **conf: Any) -> Gateway:
    folder = folder / name
    folder.mkdir()
    cluster = {"enabled": True, "data_sync_interval": 1, "node_id": name}
    storage = {"type": "redis", "host": "127.0.0.1", "port": redis.port}
    whole = merged({"cluster": cluster, "storage": storage}, conf)
    return Gateway(folder, conf=whole, workers=2 if name == "one" else 1)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


def status(gateway: Gateway) -> dict[str, Any]:
    code, found = gateway.admin("GET", "/tyk/cluster/status")
    assert code == 200, found
    assert isinstance(found, dict)
    return found


def states(gateway: Gateway) -> dict[str, str]:
    return {one["id"]: one["state"] for one in status(gateway)["nodes"]}


def problems_of(name: str, asked: Gateway) -> str:
    """Return what a node says of another one, or of itself."""
    (found,) = (one["problems"] for one in status(asked)["nodes"] if one["id"] == name)
    return "; ".join(found)


def command(*words: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    line = [SLUICEGATE, *words]
    environ = {"PATH": os.environ["PATH"], "TYK_GW_SECRET": SECRET, **(environ or {})}
    return subprocess.run(line, capture_output=True, text=True, env=environ)


def is_at(gateway: Gateway, generation: int) -> bool:
    found = status(gateway)
    return bool(found["converged"] and found["generation"] == generation)


def test_the_life_of_a_cluster(tmp_path: Path, redis: RedisServer) -> None:
    with ExitStack() as stack:
        one = stack.enter_context(node(tmp_path, "one", redis))
        two = stack.enter_context(node(tmp_path, "two", redis))
        until(lambda: states(one) == states(two) == {"one": "ready", "two": "ready"}, "both are there", PATIENCE_S)

        code, said = one.admin("POST", "/tyk/apis", api("/a/", "http://127.0.0.1:1/"))
        assert code == 200, said
        # Of itself a node knows at once, of the other when that has told.
        for gateway in (one, two):
            until(lambda asked=gateway: is_at(asked, 1), "both serve it", PATIENCE_S)
        found = status(one)
        assert (found["differs"], found["problem"]) == ([], "")
        assert len({(node["generation"], node["digest"]) for node in found["nodes"]}) == 1
        first = found["nodes"][0]
        assert (first["address"], first["workers"]) == (f"http://127.0.0.1:{one.port}", 2)
        assert first["store"]["reachable"] and first["store"]["topology"] == "single"
        assert first["memory_mb"] > 10 and first["uptime_s"] > 0

        url = f"http://127.0.0.1:{two.port}"
        table = command("status", "--url", url)
        assert table.returncode == 0, table.stderr
        assert table.stdout.startswith("converged, generation 1 since") and f"127.0.0.1:{one.port}" in table.stdout
        assert json.loads(command("status", "--conf", str(one.conf_file), "--json").stdout)["converged"]
        front = command("lb", "haproxy", "--url", url).stdout
        assert f"127.0.0.1:{one.port}" in front and f"127.0.0.1:{two.port}" in front

        redis.pause()
        away = status(two)
        assert not away["converged"] and away["problem"]
        assert {one["id"] for one in away["nodes"]} == {"one", "two"}, "as last known"
        redis.resume()
        until(lambda: status(two)["converged"], "the store is back", PATIENCE_S)

        started = time.monotonic()
        two.kill()
        until(lambda: states(one)["two"] == "lost", "the killed node is lost", PATIENCE_S)
        assert time.monotonic() - started < 15
        two.start()
        until(lambda: states(one)["two"] == "ready", "the node is back", PATIENCE_S)
        two.stop()
        until(lambda: states(one) == {"one": "ready"}, "a node that ends in order is gone", PATIENCE_S)
        two.start()


def test_a_made_up_name_is_kept(tmp_path: Path, redis: RedisServer) -> None:
    with node(tmp_path, "one", redis, cluster={"node_id": ""}) as gateway:
        (name,) = states(gateway)
        gateway.stop()
        gateway.start()
        until(lambda: states(gateway) == {name: "ready"}, "it has the same name", PATIENCE_S)


def test_two_nodes_of_one_name_are_told_so(tmp_path: Path, redis: RedisServer) -> None:
    twin = {"cluster": {"node_id": "one"}}
    with node(tmp_path, "one", redis) as one, node(tmp_path, "two", redis, **twin) as two:
        until(lambda: "Another node has the same name" in two.log, "it is logged", PATIENCE_S)
        until(lambda: problems_of("one", two), "the status says so", PATIENCE_S)
        until(
            lambda: on_every_worker(lambda: "same name" in problems_of("one", one)), "each worker says so", PATIENCE_S
        )


def test_nodes_say_so_when_the_store_takes_no_heartbeats(tmp_path: Path, redis: RedisServer) -> None:
    with node(tmp_path, "one", redis) as one, node(tmp_path, "two", redis) as two:
        until(lambda: states(one) == {"one": "ready", "two": "ready"}, "both are there", PATIENCE_S)
        redis.command("CONFIG", "SET", "maxmemory", "1")
        until(lambda: "OOM" in problems_of("two", two), "the status says why", PATIENCE_S)
        until(
            lambda: on_every_worker(lambda: "has not taken the heartbeats" in problems_of("one", one)),
            "each worker says so",
            PATIENCE_S,
        )
        redis.command("CONFIG", "SET", "maxmemory", "0")
        until(lambda: on_every_worker(lambda: not problems_of("one", one)), "it is over", PATIENCE_S)
        assert two.log.count("The store takes no heartbeats") == 1


def test_a_node_whose_store_is_a_replica_says_so(tmp_path: Path, redis: RedisServer) -> None:
    (place := tmp_path / "replica").mkdir()
    follow = ["--replicaof", f"127.0.0.1 {redis.port}"]
    with running_redis(place, *follow) as replica, node(tmp_path, "one", replica) as one:
        until(lambda: "READONLY" in one.log, "it is logged", PATIENCE_S)
        (found,) = status(one)["nodes"]
        assert found["store"]["role"] == "replica"


def test_a_node_that_starts_with_the_store_away_is_stale(tmp_path: Path, redis: RedisServer) -> None:
    with node(tmp_path, "one", redis) as gateway:
        assert gateway.admin("POST", "/tyk/apis", api("/a/", "http://127.0.0.1:1/"))[0] == 200
        until(lambda: (tmp_path / "one" / "sluicegate.snapshot").exists(), "it has a snapshot", PATIENCE_S)
        gateway.stop()
        redis.kill()
        gateway.is_ready = lambda: gateway.raw().ask(get("/hello")).status == 200 if listens(gateway) else False
        gateway.start()
        found = status(gateway)
        assert [one["state"] for one in found["nodes"]] == ["stale"]
        assert found["problem"] and not found["nodes"][0]["store"]["reachable"]
        gateway.process.send_signal(signal.SIGTERM)


def listens(gateway: Gateway) -> bool:
    try:
        gateway.raw().sock.close()
    except OSError:
        return False
    return True


def test_a_node_that_has_not_loaded_yet_is_starting(tmp_path: Path, redis: RedisServer) -> None:
    with ExitStack() as stack:
        one, two = (node(tmp_path, name, redis) for name in ("one", "two"))
        stack.enter_context(one)
        for number in range(MUCH_TO_LOAD):
            two.write_api(api(f"/{number}/"))
        two.is_ready = lambda: states(one).get("two") == "starting"  # type: ignore[method-assign]
        stack.enter_context(two)
        found = status(one)
        assert {entry["id"]: entry["generation"] for entry in found["nodes"]} == {"one": 0, "two": 0}
        assert found["converged"], "whoever does not serve yet does not count"
        assert not listens(two)
        until(lambda: states(one) == {"one": "ready", "two": "ready"}, "it has loaded", PATIENCE_S)
        assert listens(two)


def test_a_node_that_drains_says_so(tmp_path: Path, redis: RedisServer) -> None:
    two = node(tmp_path, "two", redis, graceful_shutdown_delay_seconds=20)
    with node(tmp_path, "one", redis) as one, ExitStack() as stack:
        stack.callback(two.kill)  # nobody waits until it has ended in order
        two.start()
        until(lambda: states(one) == {"one": "ready", "two": "ready"}, "both are there", PATIENCE_S)
        assert two.process is not None
        two.process.send_signal(signal.SIGTERM)
        until(lambda: states(one).get("two") == "draining", "the others know", PATIENCE_S)
        front = command("lb", "nginx", "--url", f"http://127.0.0.1:{one.port}").stdout
        assert f"127.0.0.1:{one.port}" in front and f"127.0.0.1:{two.port}" not in front, "it gets no more traffic"


def test_the_status_is_watched_live(tmp_path: Path) -> None:
    here, there = pty.openpty()
    with Gateway(tmp_path, apis=[api("/a/")]) as gateway:
        # Ctrl-C has its effect even if whoever runs the tests does without, as what a script starts by "&" does.
        line = ["env", "--default-signal=INT", SLUICEGATE, "status", "--watch"]
        line += ["--url", f"http://127.0.0.1:{gateway.port}", "--secret", SECRET]
        with subprocess.Popen(line, stdin=there, stdout=there, stderr=there) as process:
            os.close(there)

            def shows(text: bytes) -> bool:
                """Whether a picture that begins from now on has a text in it."""
                picture = b""
                while HOME not in (picture := picture[-2:] + os.read(here, 65536)):
                    pass
                picture = picture.partition(HOME)[2]
                while HOME not in picture:
                    picture += os.read(here, 65536)
                return text in picture.partition(HOME)[0]

            until(lambda: shows(b"ready"), "the node", PATIENCE_S)
            gateway.kill()
            until(lambda: shows(b"no answer"), "that it is gone", PATIENCE_S)
            gateway.start()
            until(lambda: shows(b"ready"), "that it is back", PATIENCE_S)
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 0
            os.close(here)


def test_without_a_cluster_there_is_one_node(tmp_path: Path) -> None:
    with Gateway(tmp_path, apis=[api("/a/")]) as gateway:
        found = status(gateway)
        assert (found["converged"], found["generation"], len(found["nodes"])) == (True, 0, 1)
        assert found["nodes"][0]["state"] == "ready" and found["since"] == found["nodes"][0]["last_reload"]
        gateway.reload()
        assert status(gateway)["since"] == found["since"], "to read the same again changes nothing"
        gateway.write_api(api("/b/"))
        gateway.reload()
        assert status(gateway)["since"] > found["since"]
        wrong = command("status", "--url", f"http://127.0.0.1:{gateway.port}", "--secret", "wrong")
        assert (wrong.returncode, "403" in wrong.stderr) == (2, True)


def test_nobody_there() -> None:
    said = command("status", "--url", f"http://127.0.0.1:{free_port()}")
    assert (said.returncode, said.stdout) == (2, "")
    assert "no answer" in said.stderr
    assert command("lb", "nginx", "--url", f"http://127.0.0.1:{free_port()}").returncode == 1
    assert command("status", "--url", "ftp://a").returncode == 2
