"""What lies in Redis or comes from it and should not: it is refused, it is named, and nothing is lost by it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.gateway import KEYED, SECRET, SESSION, SURE, Gateway, api, on_every_worker, until
from tests.servers import RestartableRedis
from tests.upstreams import Upstream
from tests.wire import get

from sluicegate.store import names
from sluicegate.store.notices import Notice, sign

COMMANDS = (
    "ClusterGeneration",
    "ApiUpdated",
    "KeySpaceUpdateNotification",
    "NoticeGatewayDRLNotification",
    "DeleteAPICache",
    "GroupReload",
    "NoSuchCommand",
)
PAYLOADS = (
    "",
    "\0",
    ":" * 100,
    "sluicegate:-1",
    "9" * 400,
    '{"ID": ' * 2000,
    "é,*,../../x",
    "apikey-",
    "{sluicegate}.",
    "x" * 1_000_000,
)


@pytest.fixture
def gateway(tmp_path: Path, upstream: Upstream, redis: RestartableRedis) -> Iterator[Gateway]:
    (folder := tmp_path / "node").mkdir()
    storage = {"type": "redis", "host": "127.0.0.1", "port": redis.port}
    conf = {
        "storage": storage,
        "cluster": {"enabled": True},
        "node_secret": SECRET,
        "liveness_check": {"check_duration": 100_000_000},
        "sluicegate": {"store_path": str(folder / "store.db")},
    }
    with Gateway(folder, conf=conf, workers=2) as one:
        assert one.admin("POST", "/tyk/apis", api("/a/", upstream.url, **KEYED))[0] == 200
        yield one


def new_key(gateway: Gateway, **limits: Any) -> dict[str, Any]:
    status, made = gateway.admin("POST", "/tyk/keys/create", {**SESSION, **limits})
    assert status == 200, made
    return made


def statuses(gateway: Gateway, key: str) -> set[int]:
    """Return what several new connections get, so that every worker is met."""
    return {gateway.ask(get("/a/x", f"Authorization: {key}")).status for _ in range(12)}


def test_a_half_written_key_is_refused_and_named(gateway: Gateway, redis: RestartableRedis) -> None:
    bad, good = new_key(gateway), new_key(gateway)
    name = f"apikey-{bad['key_hash']}"
    whole = redis.server.command("GET", name)
    half = whole[: len(whole) // 2]
    redis.server.command("SET", name, half)
    assert statuses(gateway, bad["key"]) == {403}
    assert f'"session cannot be used" key={bad["key_hash"][-4:]}' in gateway.log
    assert bad["key"] not in gateway.log
    assert statuses(gateway, good["key"]) == {200}
    assert redis.server.command("GET", name) == half, "whoever mends it finds what there is"
    redis.server.command("SET", name, whole)
    assert statuses(gateway, bad["key"]) == {200}


def test_a_counter_that_is_none_is_counted_locally_and_that_is_said_once(
    gateway: Gateway, redis: RestartableRedis
) -> None:
    made = new_key(gateway, rate=100, per=3600)
    assert statuses(gateway, made["key"]) == {200}
    (counter,) = redis.server.command("KEYS", f"*rate-limit-{made['key_hash']}*").split()
    redis.server.command("SET", counter, "garbage", "EX", "3600")
    assert statuses(gateway, made["key"]) == {200}
    until(lambda: "Redis refuses to count limits" in gateway.log, "it is said")
    until(lambda: all(hello(gateway)["status"] == "warn" for _ in range(SURE)), "every worker warns of it")
    assert "nil value" in hello(gateway)["details"]["redis"]["output"]
    redis.server.command("DEL", counter)
    assert statuses(gateway, made["key"]) == {200}
    until(lambda: "Redis counts limits again" in gateway.log, "it is over")
    until(lambda: all(hello(gateway)["status"] == "pass" for _ in range(SURE)), "nobody warns any more")
    assert gateway.log.count("refuses to count limits") == gateway.log.count("counts limits again") == 1


def hello(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gateway.ask(get("/hello")).body)
    return found


def test_signed_notifications_with_poisoned_payloads_change_nothing(
    gateway: Gateway, redis: RestartableRedis, upstream: Upstream
) -> None:
    made = new_key(gateway)
    assert statuses(gateway, made["key"]) == {200}
    pids = gateway.worker_pids()
    for command in COMMANDS:
        for payload in PAYLOADS:
            message = json.loads(sign(Notice(command, payload), SECRET))
            for channel in (names.NOTIFICATIONS, names.CLUSTER_CHANNEL):
                publish(redis, channel, json.dumps(message))
    status, answer = gateway.admin("PUT", "/tyk/apis/a", api("/a/", upstream.url, api_id="a", name="new", **KEYED))
    assert status == 200, answer
    assert gateway.admin("POST", "/tyk/apis", api("/b/", upstream.url))[0] == 200
    until(lambda: on_every_worker(lambda: gateway.ask(get("/b/x")).status == 200), "all still hear what is new")
    assert redis.server.command("EXISTS", f"apikey-{made['key_hash']}") == "1"
    assert statuses(gateway, made["key"]) == {200}
    assert gateway.worker_pids() == pids
    assert "Traceback" not in gateway.log


def publish(redis: RestartableRedis, channel: str, message: str) -> None:
    """Publish what is too long for a command line."""
    words = [b"PUBLISH", channel.encode(), message.encode()]
    packed = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
    with socket.create_connection(redis.server.address) as connection:
        connection.sendall(b"*%d\r\n" % len(words) + packed)
        assert connection.recv(64).startswith(b":")


def test_a_full_redis_refuses_what_is_written_and_loses_nothing(
    gateway: Gateway, redis: RestartableRedis, upstream: Upstream
) -> None:
    key = new_key(gateway)["key"]
    redis.server.command("CONFIG", "SET", "maxmemory", "1")
    for method, path, document in (
        ("POST", "/tyk/apis", api("/b/", upstream.url)),
        ("PUT", "/tyk/apis/a", api("/c/", upstream.url, api_id="a")),
        ("POST", "/tyk/policies", {"id": "p", "rate": 1, "per": 1, "active": True}),
        ("POST", "/tyk/keys/create", SESSION),
    ):
        status, answer = gateway.admin(method, path, document)
        assert status >= 500, answer
        assert "OOM" in str(answer) or "OOM" in gateway.log
    assert statuses(gateway, key) == {200}
    redis.server.command("CONFIG", "SET", "maxmemory", "0")
    assert {one["api_id"] for one in gateway.admin("GET", "/tyk/apis")[1]} == {"a"}
    assert gateway.admin("GET", "/tyk/policies/p")[0] == 404
    assert redis.server.command("HLEN", names.CLUSTER_HISTORY) == "1"
    assert gateway.admin("POST", "/tyk/apis", api("/b/", upstream.url))[0] == 200
    assert gateway.ask(get("/b/x")).status == 200
    assert statuses(gateway, new_key(gateway)["key"]) == {200}
