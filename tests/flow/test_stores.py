"""Nodes on every kind of Redis, and what is kept apart from the main store."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.gateway import KEYED, Gateway, api, until
from tests.servers import RedisServer, running_redis
from tests.topologies import MASTER, running_cluster, running_sentinels
from tests.upstreams import Upstream
from tests.wire import get

SESSION: dict[str, Any] = {
    "org_id": "org",
    "rate": 1000,
    "per": 1,
    "quota_max": 100_000,
    "quota_renewal_rate": 3600,
    "access_rights": {"a": {"api_id": "a", "versions": ["Default"]}},
}

REMEMBERING_NOTHING = {
    "local_session_cache": {"disable_cached_session_state": True},
    "sluicegate": {"store_failure": {"stale_sessions_s": 0}},
}

pytestmark = pytest.mark.timeout(150)


def storage(server: RedisServer) -> dict[str, Any]:
    return {"type": "redis", "host": "127.0.0.1", "port": server.port}


def new_keys(gateway: Gateway, number: int) -> list[str]:
    made = [gateway.admin("POST", "/tyk/keys/create", SESSION) for _ in range(number)]
    assert all(status == 200 for status, _ in made), made
    return [answer["key"] for _, answer in made]


def statuses(gateway: Gateway, keys: list[str]) -> set[int]:
    return {gateway.ask(get("/a/x", f"Authorization: {key}")).status for key in keys}


def lines_with(gateway: Gateway, text: str) -> int:
    return sum(text in line for line in gateway.log.splitlines())


def test_responses_and_records_are_kept_apart(tmp_path: Path, upstream: Upstream) -> None:
    with ExitStack() as running:
        folders = [tmp_path / name for name in ("main", "cache", "analytics")]
        for folder in folders:
            folder.mkdir()
        main, cache, analytics = (running.enter_context(running_redis(folder)) for folder in folders)
        conf = {
            "storage": storage(main),
            "enable_separate_cache_store": True,
            "cache_storage": storage(cache),
            "enable_separate_analytics_store": True,
            "analytics_storage": storage(analytics),
            "enable_analytics": True,
        }
        cached = {"cache_options": {"enable_cache": True, "cache_timeout": 60, "cache_all_safe_requests": True}}
        gateway = running.enter_context(
            Gateway(tmp_path, apis=[api("/a/", upstream.url, **KEYED, **cached)], conf=conf)
        )
        (key,) = new_keys(gateway, 1)
        assert statuses(gateway, [key]) == {200}
        until(lambda: cache.command("KEYS", "*").startswith("cache-a"), "the answer is stored")
        until(lambda: analytics.command("LLEN", "analytics-tyk-system-analytics") == "1", "the record is written")
        assert "apikey-" in main.command("KEYS", "*")
        for word in ("cache-", "analytics-"):
            assert word not in main.command("KEYS", "*")
        cache.kill()
        assert statuses(gateway, [key]) == {200}, "without stored answers the upstream is asked"


def test_what_is_stored_of_an_api_is_forgotten_and_nothing_else(tmp_path: Path, upstream: Upstream) -> None:
    cached = {"cache_options": {"enable_cache": True, "cache_timeout": 60, "cache_all_safe_requests": True}}
    definition = api("/a/", upstream.url, **KEYED, **cached)
    with (
        running_redis(tmp_path) as redis,
        Gateway(tmp_path, apis=[definition], conf={"storage": storage(redis)}) as gateway,
    ):
        keys = new_keys(gateway, 2)
        assert statuses(gateway, keys) == {200}
        until(lambda: "cache-a" in redis.command("KEYS", "*"), "the answer is stored")
        assert gateway.admin("DELETE", "/tyk/cache/a")[0] == 200
        assert gateway.admin("DELETE", "/tyk/cache/apikey-")[0] == 200
        left = redis.command("KEYS", "*")
        assert "cache-a" not in left
        assert left.count("apikey-") == len(keys)


def test_a_cluster_loses_a_master_and_the_node_goes_on(tmp_path: Path, upstream: Upstream) -> None:
    with running_cluster(tmp_path) as cluster:
        addresses = [f"127.0.0.1:{server.port}" for server in cluster.servers[:3]]
        redis = {"type": "redis", "hosts": dict.fromkeys(addresses, ""), "enable_cluster": True, "timeout": 3}
        folder = tmp_path / "node"
        folder.mkdir()
        conf = {"storage": redis, **REMEMBERING_NOTHING}
        with Gateway(folder, apis=[api("/a/", upstream.url, **KEYED)], conf=conf, workers=2) as gateway:
            keys = new_keys(gateway, 12)
            assert statuses(gateway, keys) == {200}
            cluster.masters()[0].kill()
            seen: set[int] = set()

            def is_well() -> bool:
                found = statuses(gateway, keys)
                seen.update(found)
                return found == {200}

            until(lambda: not is_well(), "some keys cannot be read")
            until(is_well, "a replica has taken over")
            assert seen == {200, 503}
            # each worker finds the new master for itself
            until(
                lambda: gateway.ask(get("/a/x", "Authorization: unknown")).status == 403, "unknown keys are known to be"
            )
            assert lines_with(gateway, "Connected to Redis") == 1
            assert lines_with(gateway, "Redis is away") == 1
            until(lambda: lines_with(gateway, "Redis is back") == 1)


def test_sentinels_name_another_master_and_the_node_goes_on(tmp_path: Path, upstream: Upstream) -> None:
    with running_sentinels(tmp_path) as sentinels:
        addresses = [f"127.0.0.1:{sentinel.port}" for sentinel in sentinels.sentinels]
        redis = {"type": "redis", "addrs": addresses, "master_name": MASTER, "timeout": 3}
        folder = tmp_path / "node"
        folder.mkdir()
        conf = {"storage": redis, **REMEMBERING_NOTHING}
        with Gateway(folder, apis=[api("/a/", upstream.url, **KEYED)], conf=conf) as gateway:
            keys = new_keys(gateway, 2)
            assert statuses(gateway, keys) == {200}
            sentinels.master().kill()
            assert statuses(gateway, keys) == {503}
            until(lambda: statuses(gateway, keys) == {200}, "the replica has taken over")
            assert lines_with(gateway, "Redis is away") == 1
            until(lambda: lines_with(gateway, "Redis is back") == 1)
            assert lines_with(gateway, "Store unavailable") == 0
