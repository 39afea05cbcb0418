"""Nodes that share their configuration over a Redis, as a user runs them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from tests.gateway import Gateway, on_every_worker, until
from tests.nodes import call, mock, node, nodes, said
from tests.servers import RedisServer, running_redis
from tests.wire import get

from sluicegate.store import names


def test_a_write_on_one_node_is_in_force_on_all(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 2, workers=2) as (one, other):
        assert one.admin("POST", "/tyk/apis", mock("/a/", "first"))[0] == 200
        for _ in range(8):
            assert said(one, "/a/") == b"first", "on every worker of this node, when it is answered"
        until(lambda: on_every_worker(lambda: said(other, "/a/") == b"first"))
        assert not list(other.apps.iterdir())
        assert other.admin("PUT", "/tyk/apis/a", mock("/a/", "second"))[0] == 200
        until(lambda: on_every_worker(lambda: said(one, "/a/") == b"second"))
        policy = {"id": "gold", "org_id": "org", "rate": 5, "per": 1, "active": True, "access_rights": {}}
        assert other.admin("POST", "/tyk/policies", policy)[0] == 200
        until(lambda: on_every_worker(lambda: one.admin("GET", "/tyk/policies/gold")[0] == 200))
        assert one.admin("DELETE", "/tyk/apis/a")[0] == 200
        until(lambda: said(other, "/a/") == 404)
        assert one.admin("DELETE", "/tyk/policies/gold")[0] == 200
        until(lambda: other.admin("GET", "/tyk/policies/gold")[0] == 404)


def test_a_change_reaches_other_nodes_within_a_blink(redis_server, tmp_path):
    slow = {"cluster": {"enabled": True, "data_sync_interval": 1000}}
    with nodes(tmp_path, redis_server, 3, conf=slow) as (one, *others):
        for number in range(20):
            text = f"text {number}"
            assert one.admin("POST", "/tyk/apis", mock("/a/", text))[0] == 200
            written = time.monotonic()
            for other in others:
                until(lambda other=other, text=text: said(other, "/a/") == text.encode())
            assert time.monotonic() - written < 5, "by the message, not by the poll"


def test_history_differences_and_the_way_back(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 2, workers=2) as (one, other):
        for text in ("first", "second"):
            assert one.admin("POST", "/tyk/apis", mock("/a/", text))[0] == 200
        assert one.admin("POST", "/tyk/apis", mock("/b/", "b"))[0] == 200
        status, told = other.admin("GET", "/tyk/cluster/history?limit=2")
        assert (status, [head["generation"] for head in told["generations"]]) == (200, [3, 2])
        assert told["generations"][1]["changes"] == [{"kind": "api", "id": "a", "action": "modified"}]
        assert told["generations"][1]["author"] == "gateway API, from 127.0.0.1"
        status, told = other.admin("GET", "/tyk/cluster/diff?from=1")
        assert [(change["id"], change["action"]) for change in told["changes"]] == [("a", "modified"), ("b", "added")]
        changed, added = told["changes"]
        assert ("first" in json.dumps(changed["before"]), "second" in json.dumps(changed["after"])) == (True, True)
        assert (added["before"], added["after"]["api_id"]) == (None, "b")
        (gone,) = other.admin("GET", "/tyk/cluster/diff?from=3&to=2")[1]["changes"]
        assert (gone["id"], gone["action"], gone["after"]) == ("b", "deleted", None)

        assert other.admin("POST", "/tyk/cluster/rollback", {"generation": 1}) == (
            200,
            {"status": "ok", "generation": 4},
        )
        for _ in range(8):
            assert said(other, "/a/") == b"first", "on every worker of this node, when it is answered"
        until(lambda: said(one, "/b/") == 404)
        told = one.admin("GET", "/tyk/cluster/history?limit=1")[1]["generations"]
        assert told[0]["note"] == "rollback to 1"
        assert one.admin("GET", "/tyk/cluster/diff?from=1")[1] == {"changes": []}

        for method, path, body, expected in (
            ("POST", "/tyk/cluster/rollback", {"generation": 99}, 400),
            ("POST", "/tyk/cluster/rollback", {"generation": True}, 400),
            ("GET", "/tyk/cluster/diff", None, 400),
            ("GET", "/tyk/cluster/diff?from=x", None, 400),
            ("GET", "/tyk/cluster/diff?from=99", None, 404),
            ("GET", "/tyk/cluster/history?limit=-1", None, 400),
        ):
            assert one.admin(method, path, body)[0] == expected, path
        assert one.admin("GET", "/tyk/cluster/history")[1]["generations"][0]["generation"] == 4


def test_files_are_a_nodes_own_and_the_clusters_go_first(redis_server, tmp_path):
    with node(tmp_path / "node", redis_server, apis=[mock("/own/", "own"), mock("/both/", "file")]) as one:
        assert said(one, "/own/") == b"own"
        assert one.admin("POST", "/tyk/apis", mock("/both/", "shared"))[0] == 200
        assert said(one, "/both/") == b"shared"
        until(lambda: "The cluster's is served, not the one in this node's files" in one.log)
        assert "etag" not in call(one, "GET", "/tyk/apis/own")[1]
        one.reload()
        assert said(one, "/both/") == b"shared"
        assert one.admin("DELETE", "/tyk/apis/both")[0] == 200
        assert said(one, "/both/") == b"file"
        assert one.admin("DELETE", "/tyk/apis/own")[0] == 200
        assert said(one, "/own/") == 404
        assert len(list(one.apps.iterdir())) == 1


def test_a_node_that_was_paused_and_one_that_missed_the_message_follow(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 2) as (one, other):
        assert one.admin("POST", "/tyk/apis", mock("/a/", "1"))[0] == 200
        until(lambda: said(other, "/a/") == b"1")
        paused = other.worker_pids()
        for pid in paused:
            os.kill(pid, signal.SIGSTOP)
        for number in range(2, 6):
            assert one.admin("POST", "/tyk/apis", mock("/a/", str(number)))[0] == 200
        for pid in paused:
            os.kill(pid, signal.SIGCONT)
        until(lambda: said(other, "/a/") == b"5")
    quiet = {"cluster": {"enabled": True, "data_sync_interval": 1}, "node_secret": "another"}
    with node(tmp_path / "deaf", redis_server, conf=quiet) as deaf, node(tmp_path / "writer", redis_server) as writer:
        assert writer.admin("POST", "/tyk/apis", mock("/a/", "6"))[0] == 200
        until(lambda: said(deaf, "/a/") == b"6")
        assert "Payload signature is invalid!" in deaf.log, "it took no hint, and found out by itself"


def test_a_node_starts_and_serves_with_the_store_away(tmp_path):
    with running_redis(tmp_path) as redis:
        one = node(tmp_path / "node", redis)
        with one:
            assert one.admin("POST", "/tyk/apis", mock("/a/", "1"))[0] == 200
            until(lambda: (one.folder / "store.snapshot").exists())
            until(lambda: b"reply" in (one.folder / "store.snapshot").read_bytes())
    one.port = one.conf["listen_port"]
    one.is_ready = lambda: "Serving the snapshot of the shared configuration" in one.log  # type: ignore[method-assign]
    with one:
        until(lambda: _answers(one, "/a/", b"1"))
        until(lambda: "the snapshot of generation 1 is served" in str(one.ask(get("/hello")).body))
        with running_redis(tmp_path, port=redis.port):
            until(lambda: one.ask(get("/ready")).status == 200)
            assert said(one, "/a/") == b"1"
            until(lambda: "no shared configuration any more" in one.log)
            assert one.admin("POST", "/tyk/apis", mock("/b/", "2"))[0] == 409, "it would be all that there is"
            line = [str(Path(sys.executable).with_name("sluicegate")), "restore", "--conf", str(one.conf_file)]
            assert subprocess.run(line, capture_output=True, text=True).stdout == "1 documents, generation 2\n"
            assert subprocess.run(line, capture_output=True).returncode == 4, "it is there again"
            until(lambda: one.admin("POST", "/tyk/apis", mock("/b/", "2"))[0] == 200)
            assert (said(one, "/a/"), said(one, "/b/")) == (b"1", b"2")


def test_what_redis_threw_away_is_served_on_and_can_be_written_back(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 1) as (one,):
        for number in (1, 2):
            assert one.admin("POST", "/tyk/apis", mock(f"/{number}/", str(number)))[0] == 200
        until(lambda: b"/2/" in (one.folder / "store.snapshot").read_bytes())
        redis_server.command("DEL", names.CLUSTER_INDEX, names.CLUSTER_DOCUMENTS)
        redis_server.command("CLIENT", "KILL", "TYPE", "pubsub")
        assert one.admin("POST", "/tyk/apis", mock("/3/", "3"))[0] == 200
        assert [said(one, f"/{number}/") for number in (1, 2, 3)] == [b"1", b"2", b"3"]
        until(lambda: b"/3/" in (one.folder / "store.snapshot").read_bytes())
        line = [str(Path(sys.executable).with_name("sluicegate")), "restore", "--conf", str(one.conf_file)]
        assert subprocess.run(line, capture_output=True, text=True).stdout == "3 documents, generation 4\n"
        assert subprocess.run(line, capture_output=True).returncode == 4, "all of it is there again"
        with node(tmp_path / "other", redis_server) as other:
            assert [said(other, f"/{number}/") for number in (1, 2, 3)] == [b"1", b"2", b"3"]
            status = other.admin("GET", "/tyk/cluster/status")[1]
            assert {report["id"]: report["problems"] for report in status["nodes"]}.popitem()[1] == []


def _answers(gateway: Gateway, path: str, text: bytes) -> bool:
    with contextlib.suppress(OSError):
        return said(gateway, path) == text
    return False


@pytest.mark.parametrize("kind", ["garbage", "newer"])
def test_what_a_node_cannot_read_leaves_in_force_what_was(redis_server, tmp_path, kind):
    newer = msgspec.msgpack.encode([2, 1, b"", b""])
    with nodes(tmp_path, redis_server, 2) as (one, other):
        assert one.admin("POST", "/tyk/apis", mock("/a/", "1"))[0] == 200
        until(lambda: said(other, "/a/") == b"1")
        for pid in other.worker_pids():
            os.kill(pid, signal.SIGSTOP)
        assert one.admin("POST", "/tyk/apis", mock("/a/", "2"))[0] == 200
        value = b"\xc1" if kind == "garbage" else newer
        write_field(redis_server, names.CLUSTER_DOCUMENTS, b"api/a", value)
        for pid in other.worker_pids():
            os.kill(pid, signal.SIGCONT)
        until(lambda: "api/a" in other.log and "Refused" in other.log)
        assert said(other, "/a/") == b"1"
        assert one.admin("POST", "/tyk/apis", mock("/a/", "3"))[0] == 200
        until(lambda: said(other, "/a/") == b"3")


def write_field(redis: RedisServer, name: str, field: bytes, value: bytes) -> None:
    words = [b"HSET", name.encode(), field, value]
    with socket.create_connection(("127.0.0.1", redis.port)) as connection:
        packed = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
        connection.sendall(b"*%d\r\n" % len(words) + packed)
        assert connection.recv(64).startswith(b":")


def test_a_poisoned_message_changes_nothing(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 1) as (one,):
        assert one.admin("POST", "/tyk/apis", mock("/a/", "1"))[0] == 200
        for message in ("", "{}", "[1]", json.dumps({"command": "ClusterGeneration", "payload": "9", "algorithm": 5})):
            redis_server.command("publish", names.CLUSTER_CHANNEL, message)
        until(lambda: one.log.count("Payload signature is invalid!") >= 3)
        assert said(one, "/a/") == b"1"


def test_nodes_of_one_machine_share_the_embedded_store(tmp_path):
    conf = {
        "cluster": {"enabled": True},
        "sluicegate": {"store_path": str(tmp_path / "store.db")},
    }
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with Gateway(tmp_path / "a", conf=conf, workers=2) as one, Gateway(tmp_path / "b", conf=conf) as other:
        assert one.admin("POST", "/tyk/apis", mock("/a/", "1"))[0] == 200
        assert all(said(one, "/a/") == b"1" for _ in range(4))
        until(lambda: said(other, "/a/") == b"1")
        unclean = {"http_server_options": {"skip_url_cleaning": True}}
        assert other.admin("PUT", "/tyk/cluster/settings", unclean)[0] == 200
        assert said(other, "/a//") == b"1"
        until(lambda: on_every_worker(lambda: said(one, "/a//") == b"1"))


def test_without_a_cluster_nothing_is_shared(redis_server, tmp_path):
    with node(tmp_path / "node", redis_server, conf={"cluster": {"enabled": False}}) as one:
        assert one.admin("POST", "/tyk/apis", mock("/a/", "1"))[0] == 200
        assert "etag" not in call(one, "GET", "/tyk/apis/a")[1]
        assert (one.apps / "a.json").exists()
        assert one.admin("POST", "/tyk/cluster/apply", {"changes": []})[0] == 400
        for method, document in (("GET", None), ("PUT", {"min_token_length": 4}), ("DELETE", None)):
            assert one.admin(method, "/tyk/cluster/settings", document)[0] == 400
        assert one.admin("GET", "/tyk/cluster/history")[0] == 400
        assert one.admin("GET", "/tyk/cluster/diff?from=0")[0] == 400
        assert one.admin("POST", "/tyk/cluster/rollback", {"generation": 0})[0] == 400
        assert redis_server.command("exists", names.CLUSTER_STATE) == "0"
