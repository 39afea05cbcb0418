"""What two workers answer while Redis is gone or hangs: known keys go on, unknown ones are never called unknown."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.gateway import KEYED, SURE, Gateway, api, until
from tests.servers import RestartableRedis
from tests.upstreams import Upstream
from tests.wire import ClosedError, get

APIS = ("a", "open", "closed")
LONG_S = 3600
BOUND_S = 5.0
"""A hung store may hold a request for half a second; the rest is the machine's."""


def node(
    folder: Path, upstream: Upstream, redis: RestartableRedis, workers: int = 2, caches: bool = True, **own: Any
) -> Gateway:
    folder.mkdir(exist_ok=True)
    storage = {"type": "redis", "host": "127.0.0.1", "port": redis.port}
    conf = {"storage": storage, "cluster": {"enabled": True}, "sluicegate": {"store_failure": own}}
    conf["local_session_cache"] = {"disable_cached_session_state": not caches}
    apis = [api(f"/{name}/", upstream.url, **KEYED) for name in APIS]
    for definition in apis:
        if definition["api_id"] != "a":
            definition["limits_on_store_failure"] = definition["api_id"]
    return Gateway(folder, apis=apis, conf=conf, workers=workers)


def new_key(gateway: Gateway, **limits: Any) -> str:
    """Return the header of a new key."""
    rights = {name: {"api_id": name, "versions": ["Default"]} for name in APIS}
    session = {"org_id": "org", "rate": -1, "per": -1, "quota_max": -1, "access_rights": rights, **limits}
    status, made = gateway.admin("POST", "/tyk/keys/create", session)
    assert status == 200, made
    return f"Authorization: {made['key']}"


def statuses(gateway: Gateway, key: str, times: int = 16, path: str = "/a/x") -> Counter[int]:
    """Ask so often, each time on a new connection, which any worker may get."""
    return Counter(gateway.ask(get(path, key)).status for _ in range(times))


def test_known_keys_go_on_and_unknown_ones_are_not_refused(
    tmp_path: Path, upstream: Upstream, redis: RestartableRedis
) -> None:
    with node(tmp_path / "node", upstream, redis) as gateway:
        key, deleted = new_key(gateway), new_key(gateway)
        assert statuses(gateway, key, 1) == {200: 1}
        assert statuses(gateway, deleted, 1) == {200: 1}
        assert gateway.admin("DELETE", f"/tyk/keys/{deleted.partition(' ')[2]}")[0] == 200
        redis.stop()
        assert statuses(gateway, key) == {200: 16}, "whichever worker has seen it"
        assert statuses(gateway, deleted) == {503: 16}
        answer = gateway.ask(get("/a/x", "Authorization: never-seen"))
        assert (answer.status, answer.get(b"retry-after")) == (503, b"1")
        redis.start()
        until(lambda: statuses(gateway, "Authorization: never-seen", SURE) == {403: SURE})
        until(lambda: statuses(gateway, key, SURE) == {403: SURE})  # this Redis is empty
        assert gateway.log.count("Redis is away") == gateway.log.count("Redis is back") == 1


def test_a_hung_store_holds_nobody_for_long(tmp_path: Path, upstream: Upstream, redis: RestartableRedis) -> None:
    with node(tmp_path / "node", upstream, redis) as gateway:
        key = new_key(gateway, rate=1000, per=LONG_S, quota_max=1000, quota_renewal_rate=LONG_S)
        assert statuses(gateway, key, 4) == {200: 4}
        redis.server.pause()
        try:
            for _ in range(12):
                started = time.monotonic()
                assert gateway.ask(get("/a/x", "Authorization: never-seen")).status == 503
                assert gateway.ask(get("/a/x", key)).status == 200
                assert time.monotonic() - started < BOUND_S
        finally:
            redis.server.resume()
        until(lambda: statuses(gateway, "Authorization: never-seen", SURE) == {403: SURE})
        assert statuses(gateway, key, 4) == {200: 4}
        used = 4 + 12 + 4
        until(lambda: redis.server.command("GET", quota_name(redis)) == str(used))


def quota_name(redis: RestartableRedis) -> str:
    return redis.server.command("KEYS", "quota-*")


def test_a_key_that_is_too_long_unread_is_not_gone_by(
    tmp_path: Path, upstream: Upstream, redis: RestartableRedis
) -> None:
    """The ten seconds for which a key is kept at any rate are not waited for."""
    with node(tmp_path / "node", upstream, redis, workers=1, caches=False, stale_sessions_s=1) as gateway:
        key = new_key(gateway)
        assert statuses(gateway, key, 1) == {200: 1}
        redis.stop()
        until(lambda: statuses(gateway, key, 1) == {503: 1})


def test_a_node_that_starts_without_the_store_knows_saved_keys(
    tmp_path: Path, upstream: Upstream, redis: RestartableRedis
) -> None:
    saved = tmp_path / "keys"
    gateway = node(tmp_path / "node", upstream, redis, saved_sessions=str(saved))
    with gateway:
        key = new_key(gateway)
        assert statuses(gateway, key, 1) == {200: 1}
    files = sorted(tmp_path.glob("keys.*"))
    assert files
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert key.partition(" ")[2].encode() not in file.read_bytes()
        assert b"access_rights" not in file.read_bytes()
    redis.stop()
    gateway.is_ready = lambda: answers(gateway)  # type: ignore[method-assign]  # `/ready` says 503
    with gateway:
        assert statuses(gateway, key) == {200: 16}
        assert statuses(gateway, "Authorization: never-seen", 2) == {503: 2}


def answers(gateway: Gateway) -> bool:
    try:
        return gateway.ask(get("/hello")).status == 200
    except OSError:
        return False


def test_limits_do_what_the_api_chose(tmp_path: Path, upstream: Upstream, redis: RestartableRedis) -> None:
    with node(tmp_path / "node", upstream, redis) as gateway:
        key = new_key(gateway, rate=20, per=LONG_S)
        assert statuses(gateway, key, 12) == {200: 12}
        redis.stop()
        assert statuses(gateway, key, 30, "/open/x") == {200: 30}
        assert statuses(gateway, key, 30, "/closed/x") == {503: 30}
        assert statuses(gateway, key, 40) == {200: 8, 429: 32}, "what was left of twenty, and no other node is there"
        redis.start()
        until(lambda: statuses(gateway, key, 2)[503] == 0)


def test_a_limit_holds_over_the_workers_of_a_node_whichever_of_them_dies_meanwhile(
    tmp_path: Path, upstream: Upstream, redis: RestartableRedis
) -> None:
    limit, used = 40, 13
    with node(tmp_path / "node", upstream, redis) as gateway:
        limits = {"quota_max": limit, "quota_renewal_rate": LONG_S}
        key, counted = new_key(gateway, rate=limit, per=LONG_S), new_key(gateway, **limits)
        for one in (key, counted):
            assert statuses(gateway, one, used) == {200: used}
        redis.server.pause()
        try:
            for one in (key, counted):
                assert statuses(gateway, one, 8) == {200: 8}
            killed = gateway.worker_pids()[0]
            os.kill(killed, signal.SIGKILL)
            until(lambda: killed not in (pids := gateway.worker_pids()) and len(pids) == 2)
            assert statuses(gateway, key, 60) == {200: limit - used - 8, 429: 60 - limit + used + 8}
            assert statuses(gateway, counted, 8) == {200: 8}
        finally:
            redis.server.resume()
        until(lambda: statuses(gateway, "Authorization: never-seen", SURE) == {403: SURE}, "both workers ask it again")
        assert drained(gateway, key) == 0
        granted_to_the_killed = int(redis.server.command("GET", rate_name(redis))) - limit
        assert granted_to_the_killed in (0, 1), "it had one question under way at most"
        assert used + 8 + 8 + drained(gateway, counted) in (limit - 1, limit)
        assert redis.server.command("GET", quota_name(redis)) == str(limit)


def rate_name(redis: RestartableRedis) -> str:
    return redis.server.command("KEYS", "sluice-limit-*")


def test_a_killed_worker_takes_no_admission_with_it(
    tmp_path: Path, upstream: Upstream, redis: RestartableRedis
) -> None:
    limit = 3000
    with node(tmp_path / "node", upstream, redis) as gateway:
        key = new_key(gateway, rate=limit, per=LONG_S)
        before = len(upstream.requests)

        def ask(_: int) -> int:
            admitted = 0
            while True:
                try:
                    with gateway.raw() as client:
                        while (status := client.ask(get("/a/x", key)).status) == 200:
                            admitted += 1
                    assert status == 429
                    return admitted
                except (OSError, ClosedError):
                    time.sleep(0.05)  # the worker was killed

        with ThreadPoolExecutor(6) as pool:
            asking = [pool.submit(ask, number) for number in range(6)]
            until(lambda: len(upstream.requests) - before > limit // 3)
            os.kill(gateway.worker_pids()[0], signal.SIGKILL)
            admitted = sum(one.result() for one in asking)

        def takes_what_came_back() -> bool:
            """Ask once more; return whether all were used but those that were under way in the worker."""
            nonlocal admitted
            admitted += gateway.ask(get("/a/x", key)).status == 200
            return len(upstream.requests) - before >= limit - 6

        until(takes_what_came_back, "another worker has given back what that one held")
        admitted += drained(gateway, key)
        assert admitted <= len(upstream.requests) - before <= limit


def drained(gateway: Gateway, key: str) -> int:
    """Ask until the limit is refused for a second, which is longer than a lease is kept."""
    admitted, last = 0, time.monotonic()
    while time.monotonic() - last < 1.5:
        if gateway.ask(get("/a/x", key)).status == 200:
            admitted, last = admitted + 1, time.monotonic()
    return admitted


def test_a_node_announces_itself_as_tyks_nodes_do(tmp_path: Path, upstream: Upstream, redis: RestartableRedis) -> None:
    with socket.create_connection(redis.server.address, BOUND_S) as listener:
        listener.sendall(b"SUBSCRIBE tyk.cluster.notifications\r\n")
        with node(tmp_path / "node", upstream, redis) as gateway:
            heard = b""
            while b"NoticeGatewayDRLNotification" not in heard or not heard.endswith(b"}\r\n"):
                heard += listener.recv(65536)
    text = next(line for line in heard.split(b"\r\n") if b"NoticeGatewayDRLNotification" in line)
    message = json.loads(text)
    assert message["algorithm"] == 5
    told = json.loads(message["payload"])
    assert set(told) == {"HostName", "ID", "LoadPerSec", "Percentage", "TagHash"}
    assert told["Percentage"] == 1.0
    assert "Traceback" not in gateway.log


def test_a_choice_that_is_none_is_refused_by_name(tmp_path: Path, upstream: Upstream, redis: RestartableRedis) -> None:
    gateway = node(tmp_path / "node", upstream, redis, workers=1)
    wrong = {**api("/wrong/", upstream.url, **KEYED), "limits_on_store_failure": "perhaps"}
    gateway.write_api(wrong)
    with gateway:
        assert "limits_on_store_failure" in gateway.log
        assert json.loads(gateway.ask(get("/hello")).body)["status"] == "pass"
        assert gateway.ask(get("/wrong/x")).status == 404
