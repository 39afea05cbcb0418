"""A node with Redis: what it says while Redis is away, how it heals, and what it hears from other nodes."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.gateway import KEYED, SESSION, Gateway, api, on_every_worker, until
from tests.servers import RestartableRedis, running_redis
from tests.upstreams import Upstream
from tests.wire import get

SECRET = "what-all-nodes-know"
CHANNEL = "tyk.cluster.notifications"
SOONER_THAN_EXPIRY_S = 8.0
"""A session is kept for ten seconds; what is in force before that was told."""


def node(folder: Path, upstream: Upstream, redis: RestartableRedis, workers: int = 2, **conf: Any) -> Gateway:
    folder.mkdir(exist_ok=True)
    storage = {"type": "redis", "host": "127.0.0.1", "port": redis.port, "timeout": 3}
    liveness = {"check_duration": 500_000_000}
    conf = {"storage": storage, "node_secret": SECRET, "liveness_check": liveness, **conf}
    apis = [api("/a/", upstream.url, **KEYED), api("/open/", upstream.url)]
    return Gateway(folder, apis=apis, conf=conf, workers=workers)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestartableRedis]:
    """A Redis that no test stops."""
    one = RestartableRedis(tmp_path_factory.mktemp("redis"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, upstream: Upstream, shared: RestartableRedis
) -> Iterator[tuple[Gateway, Gateway]]:
    """Two nodes of two workers on it."""
    folder = tmp_path_factory.mktemp("nodes")
    with node(folder / "one", upstream, shared) as one, node(folder / "two", upstream, shared) as two:
        yield one, two


def new_key(gateway: Gateway, **more: Any) -> dict[str, str]:
    status, made = gateway.admin("POST", "/tyk/keys/create", {**SESSION, **more})
    assert status == 200, made
    return made  # type: ignore[no-any-return]


def status_with(gateway: Gateway, key: str) -> int:
    return gateway.ask(get("/a/x", f"Authorization: {key}")).status


def health(gateway: Gateway) -> str:
    message = gateway.ask(get("/hello"))
    assert message.status == 200
    return str(json.loads(message.body)["status"])


def everywhere(gateway: Gateway, path: str, status: int) -> bool:
    return on_every_worker(lambda: gateway.ask(get(path)).status == status)


def test_while_redis_is_away_nothing_is_said_about_keys_and_all_heals(
    tmp_path: Path, upstream: Upstream, redis: RestartableRedis
) -> None:
    with node(tmp_path / "node", upstream, redis) as gateway:
        key = new_key(gateway)["key"]
        assert status_with(gateway, key) == 200
        assert health(gateway) == "pass"
        redis.stop()
        message = gateway.ask(get("/a/x", "Authorization: never-seen"))
        assert message.status == 503
        assert json.loads(message.body)["error"] == "Store unavailable, try again later"
        assert message.get(b"retry-after") == b"1"
        assert gateway.ask(get("/a/x")).status == 401, "that no key was sent is known without Redis"
        assert gateway.ask(get("/open/x")).status == 200
        until(lambda: everywhere(gateway, "/ready", 503))
        assert health(gateway) == "fail"
        status, body = gateway.admin("POST", "/tyk/keys/create", SESSION)
        assert status == 500 and "Redis" in body["message"]
        redis.start()
        until(lambda: everywhere(gateway, "/ready", 200))
        assert health(gateway) == "pass"
        assert status_with(gateway, "never-seen") == 403
        assert status_with(gateway, new_key(gateway)["key"]) == 200


def test_an_outage_is_told_in_one_line_when_it_begins_and_one_when_it_ends(
    tmp_path: Path, upstream: Upstream, redis: RestartableRedis
) -> None:
    with node(tmp_path / "node", upstream, redis, enable_analytics=True) as gateway:
        until(lambda: "Connected to Redis" in gateway.log)
        told_before = len(gateway.log)
        redis.stop()
        until(lambda: "Redis is away" in gateway.log)
        assert [status_with(gateway, f"unknown-{number}") for number in range(24)] == [503] * 24
        redis.start()
        # Records are tried again a second after they could not be written: all that was to be told is told by then.
        until(lambda: int(redis.server.command("LLEN", "analytics-tyk-system-analytics")) >= 24)
        until(lambda: "Redis is back" in gateway.log)
        lines = gateway.log[told_before:].splitlines()
        told = [line for line in lines if "level=" in line and "message=Loaded" not in line]  # it reads all anew, too
        assert ["Redis is away" in line for line in told] == [True, False], told


def test_a_node_starts_without_redis_and_serves_what_needs_none(
    tmp_path: Path, upstream: Upstream, redis: RestartableRedis
) -> None:
    redis.stop()
    with ExitStack() as running:
        gateway = node(tmp_path / "node", upstream, redis)
        gateway.is_ready = lambda: _answers(gateway)  # type: ignore[method-assign]
        running.enter_context(gateway)
        assert gateway.ask(get("/open/x")).status == 200
        assert status_with(gateway, "any") == 503
        until(lambda: everywhere(gateway, "/ready", 503))
        redis.start()
        until(lambda: everywhere(gateway, "/ready", 200))
        assert status_with(gateway, new_key(gateway)["key"]) == 200


def _answers(gateway: Gateway) -> bool:
    try:
        return gateway.ask(get("/hello")).status == 200
    except OSError:
        return False


def test_two_nodes_see_each_others_changes_of_keys(pair: tuple[Gateway, Gateway]) -> None:
    one, two = pair
    made = new_key(one)
    key = made["key"]
    assert {status_with(two, key) for _ in range(12)} == {200}
    began = time.monotonic()
    assert one.admin("PUT", f"/tyk/keys/{key}", {**SESSION, "is_inactive": True})[0] == 200
    assert {status_with(one, key) for _ in range(12)} == {403}
    until(lambda: on_every_worker(lambda: status_with(two, key) == 403))
    assert time.monotonic() - began < SOONER_THAN_EXPIRY_S
    assert two.admin("DELETE", f"/tyk/keys/{key}")[0] == 200
    assert one.admin("GET", f"/tyk/keys/{key}")[0] == 404


def test_clearing_a_cache_removes_nothing_else(pair: tuple[Gateway, Gateway], shared: RestartableRedis) -> None:
    gateway, _ = pair
    made = new_key(gateway)
    stored = f"cache-{made['key']}"
    shared.server.command("SET", stored, "a response")
    assert gateway.admin("DELETE", "/tyk/cache/apikey-")[0] == 200
    assert gateway.admin("GET", f"/tyk/keys/{made['key']}")[0] == 200
    assert gateway.admin("DELETE", f"/tyk/cache/{made['key']}")[0] == 200
    assert shared.server.command("EXISTS", stored) == "0"


def signed(command: str, payload: str = "", secret: str = SECRET) -> str:
    """Return a notice as a node of Tyk publishes it."""
    signature = hashlib.sha256(f"{command}{payload}{secret}".encode()).hexdigest()
    return json.dumps({"command": command, "payload": payload, "signature": signature, "algorithm": 5})


def test_what_another_node_tells_is_heeded_if_it_is_one_of_us(
    pair: tuple[Gateway, Gateway], upstream: Upstream, shared: RestartableRedis
) -> None:
    gateway, _ = pair
    command = shared.server.command
    until(lambda: command("PUBSUB", "NUMSUB", CHANNEL).split() == [CHANNEL, "4"])
    made = new_key(gateway)
    name = f"apikey-{made['key_hash']}"
    assert {status_with(gateway, made["key"]) for _ in range(12)} == {200}
    began = time.monotonic()
    stored = json.loads(command("GET", name))
    command("SET", name, json.dumps({**stored, "is_inactive": True}))
    command("PUBLISH", CHANNEL, signed("KeySpaceUpdateNotification", f"{made['key_hash']}:hashed"))
    until(lambda: on_every_worker(lambda: status_with(gateway, made["key"]) == 403))
    assert time.monotonic() - began < SOONER_THAN_EXPIRY_S

    gateway.write_api(api("/new/", upstream.url))
    for notice in (signed("GroupReload", secret="another"), '{"command": "GroupReload"}', "noise"):
        command("PUBLISH", CHANNEL, notice)
    until(lambda: gateway.log.count("Payload signature is invalid!") >= 3)
    assert everywhere(gateway, "/new/x", 404)
    command("PUBLISH", CHANNEL, signed("GroupReload"))
    until(lambda: everywhere(gateway, "/new/x", 200))


def test_a_group_reload_reaches_every_node(pair: tuple[Gateway, Gateway], upstream: Upstream) -> None:
    one, two = pair
    for gateway in (one, two):
        gateway.write_api(api("/newer/", upstream.url))
    assert one.admin("GET", "/tyk/reload/group")[0] == 200
    until(lambda: everywhere(one, "/newer/x", 200))
    until(lambda: everywhere(two, "/newer/x", 200))


def test_quotas_are_counted_together(pair: tuple[Gateway, Gateway]) -> None:
    one, two = pair
    key = new_key(one, quota_max=10, quota_renewal_rate=3600)["key"]
    answers = [status_with(gateway, key) for _ in range(8) for gateway in (one, two)]
    assert answers == [200] * 10 + [403] * 6


def test_a_wrong_password_is_said_and_the_node_stays(tmp_path: Path, upstream: Upstream) -> None:
    with running_redis(tmp_path, "--requirepass", "right") as server:
        storage = {"type": "redis", "host": "127.0.0.1", "port": server.port, "password": "wrong-one"}
        gateway = Gateway(tmp_path, apis=[api("/open/", upstream.url)], conf={"storage": storage}, workers=1)
        gateway.is_ready = lambda: _answers(gateway)  # type: ignore[method-assign]
        with gateway:
            assert gateway.ask(get("/open/x")).status == 200
            status, body = gateway.admin("POST", "/tyk/keys/create", SESSION)
            assert status == 500, body
            assert "wrong-one" not in gateway.log
