"""What was answered with 200 is there after `kill -9`, and what the store cannot do is said and hurts nothing else."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.gateway import KEYED, SESSION, Gateway, api, until
from tests.processes import children
from tests.upstreams import Upstream
from tests.wire import get

SLUICEGATE = str(Path(sys.executable).with_name("sluicegate"))


@pytest.fixture
def gateway(tmp_path: Path, upstream: Upstream) -> Iterator[Gateway]:
    (tmp_path / "policies").mkdir()
    conf = {"policies": {"policy_path": str(tmp_path / "policies")}}
    with Gateway(tmp_path, apis=[api("/a/", upstream.url, **KEYED)], conf=conf, workers=2) as one:
        yield one


def done(answer: tuple[int, Any]) -> Any:
    status, body = answer
    assert status == 200, body
    return body


def new_key(gateway: Gateway, **more: Any) -> str:
    return str(done(gateway.admin("POST", "/tyk/keys/create", {**SESSION, **more}))["key"])


def status_with(gateway: Gateway, key: str, path: str = "/a/x") -> int:
    return gateway.ask(get(path, f"Authorization: {key}")).status


def kill_and_start(gateway: Gateway) -> None:
    gateway.kill()
    gateway.start()


def test_nothing_that_was_answered_is_lost(gateway: Gateway, upstream: Upstream) -> None:
    for number in range(2):
        key = new_key(gateway)
        kill_and_start(gateway)
        assert status_with(gateway, key) == 200
        done(gateway.admin("POST", "/tyk/apis", api(f"/new-{number}/", upstream.url)))
        kill_and_start(gateway)
        assert gateway.ask(get(f"/new-{number}/x")).status == 200
        policy = {"id": f"p{number}", "org_id": "org", "access_rights": SESSION["access_rights"]}
        done(gateway.admin("POST", "/tyk/policies", policy))
        kill_and_start(gateway)
        assert done(gateway.admin("GET", f"/tyk/policies/p{number}"))["org_id"] == "org"
        done(gateway.admin("DELETE", f"/tyk/keys/{key}"))
        kill_and_start(gateway)
        assert status_with(gateway, key) == 403
    assert not list(gateway.apps.glob(".*")), "no half-written files are left"


def test_quotas_survive(gateway: Gateway) -> None:
    key = new_key(gateway, quota_max=5, quota_renewal_rate=3600)
    assert [status_with(gateway, key) for _ in range(3)] == [200] * 3
    kill_and_start(gateway)
    assert done(gateway.admin("GET", f"/tyk/keys/{key}"))["quota_remaining"] == 2
    assert [status_with(gateway, key) for _ in range(4)] == [200, 200, 403, 403]
    assert gateway.stop() == 0
    gateway.start()
    assert status_with(gateway, key) == 403


def test_two_nodes_with_their_own_configuration_share_nothing(tmp_path: Path, upstream: Upstream) -> None:
    nodes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        nodes.append(Gateway(tmp_path / name, apis=[api("/a/", upstream.url, **KEYED)]))
    with nodes[0] as one, nodes[1] as two:
        key = new_key(one)
        assert (status_with(one, key), status_with(two, key)) == (200, 403)
        assert (tmp_path / "one" / "sluicegate.db").exists() and (tmp_path / "two" / "sluicegate.db").exists()


@pytest.mark.parametrize("place", ["sluicegate.db", "sluicegate.counters"])
def test_a_damaged_file_is_said_with_the_way_out(gateway: Gateway, place: str) -> None:
    new_key(gateway)
    assert gateway.stop() == 0
    file = gateway.folder / place
    content = file.read_bytes()
    file.write_bytes(b"\xff" * 64 + content[64:])
    line = [SLUICEGATE, "start", "--conf", str(gateway.conf_file), "--workers", "1"]
    ended = subprocess.run(line, capture_output=True, text=True, check=False, env=gateway.environ)
    assert ended.returncode == 1
    assert place in ended.stderr and "move" in ended.stderr and "Traceback" not in ended.stderr
    file.rename(file.with_suffix(".damaged"))
    gateway.start()
    assert new_key(gateway)


def test_a_file_that_is_damaged_while_the_node_runs_hurts_only_what_needs_it(
    gateway: Gateway, upstream: Upstream
) -> None:
    done(gateway.admin("POST", "/tyk/apis", api("/open/", upstream.url)))
    key = new_key(gateway)
    for name in ("sluicegate.db", "sluicegate.db-wal"):
        file = gateway.folder / name
        size = file.stat().st_size
        with file.open("r+b") as opened:
            opened.write(os.urandom(size))
    workers = children(gateway.process.pid) if gateway.process else []
    assert gateway.ask(get("/open/x")).status == 200
    status, body = gateway.admin("POST", "/tyk/keys/create", SESSION)
    assert status in (200, 500), body
    assert status_with(gateway, key) in (200, 503)
    assert status_with(gateway, "another") in (403, 503)
    assert gateway.ask(get("/open/x")).status == 200
    assert gateway.process is not None
    assert children(gateway.process.pid) == workers, "nobody died of it"


def test_a_full_disk_is_said_and_what_is_there_stays(tmp_path: Path, upstream: Upstream) -> None:
    gateway = Gateway(tmp_path, apis=[api("/a/", upstream.url, **KEYED), api("/open/", upstream.url)], workers=2)
    gateway.start()
    try:
        key = new_key(gateway)
        assert gateway.process is not None
        workers = children(gateway.process.pid)
        written = max(one.stat().st_size for one in tmp_path.glob("sluicegate.db*"))
        for pid in workers:  # from now on no file grows: what a full disk looks like
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (written, resource.RLIM_INFINITY))
        big = {**SESSION, "meta_data": {"pad": "x" * 500_000}}
        status, body = gateway.admin("POST", "/tyk/keys/create", big)
        assert status == 500, body
        definition = api("/new/", upstream.url, config_data={"pad": "x" * 2_000_000})
        status, body = gateway.admin("POST", "/tyk/apis", definition)
        assert (status, body["message"]) == (500, "file object creation failed, write error")
        assert status_with(gateway, key) == 200
        assert gateway.ask(get("/open/x")).status == 200
        assert gateway.ask(get("/new/x")).status == 404
        assert sorted(one.name for one in gateway.apps.iterdir()) == ["0000-a.json", "0001-open.json"]
        for pid in workers:
            limits = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
        assert new_key(gateway, **big)
        assert children(gateway.process.pid) == workers, "nobody died of it"
        assert gateway.stop() == 0
        assert "Traceback" not in gateway.log
    finally:
        gateway.kill()


def test_a_store_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, conf={"sluicegate": {"store_path": str(tmp_path / "none" / "a.db")}})
    line = [SLUICEGATE, "start", "--conf", str(gateway.conf_file), "--workers", "1"]
    ended = subprocess.run(line, capture_output=True, text=True, check=False, env=gateway.environ)
    assert ended.returncode == 1
    assert "none/a.db" in ended.stderr and "Traceback" not in ended.stderr


def test_a_replacement_that_cannot_start_does_not_end_the_node(gateway: Gateway, upstream: Upstream) -> None:
    assert gateway.process is not None
    supervisor = gateway.process.pid
    first, second = children(supervisor)
    store = gateway.folder / "sluicegate.db"
    aside = store.with_name("aside")
    store.rename(aside)
    store.mkdir()
    os.kill(first, signal.SIGKILL)
    until(lambda: "Cannot start" in gateway.log)
    assert second in children(supervisor)
    assert gateway.ask(get("/hello")).status == 200
    store.rmdir()
    aside.rename(store)
    until(lambda: len(children(supervisor)) == 2 and json.loads(gateway.ask(get("/hello")).body)["status"] == "pass")
