"""Settings of a Redis that contradict each other are told before anything starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sluicegate.settings.load import SettingsErrors, load_settings


def findings(folder: Path, document: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return errors and warnings, without the file and its lines."""
    conf = folder / "tyk.conf"
    conf.write_text(json.dumps(document))
    try:
        errors, rest = [], load_settings(conf, {})
    except SettingsErrors as wrong:
        errors, rest = [str(error) for error in wrong.errors], wrong.rest
    return [one.split(": ", 1)[1] for one in errors], [one.split(": ", 1)[1] for one in rest.warnings]


def redis(**more: Any) -> dict[str, Any]:
    return {"storage": {"type": "redis", **more}}


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (redis(addrs=["a"]), 'storage.addrs: "a" is not an address (write host:port)'),
        (redis(hosts={"a": "x"}), 'storage.hosts: "a:x" is not an address (write host:port)'),
        (
            redis(master_name="m"),
            "storage.master_name: names a master, but there are no Sentinels (list them in addrs)",
        ),
        (
            redis(master_name="m", addrs=["a:1"], enable_cluster=True),
            "storage.master_name: either Sentinels watch a master (master_name), or there is a Redis Cluster "
            "(enable_cluster) (leave out one of them)",
        ),
        (redis(database=-1), "storage.database: expected 0 or a number above"),
        (redis(key_file="k", use_ssl=True), "storage.key_file: a key without its certificate (set cert_file)"),
        (
            redis(tls_min_version="1.3", tls_max_version="1.2"),
            "storage.tls_min_version: the lowest TLS version is above the highest (storage.tls_max_version)",
        ),
        (
            {"enable_separate_cache_store": True, "cache_storage": {"type": "embedded"}},
            "cache_storage.type: a separate store must be redis",
        ),
    ],
)
def test_contradictions_are_errors(tmp_path: Path, document: dict[str, Any], error: str) -> None:
    assert findings(tmp_path, document)[0] == [error]


@pytest.mark.parametrize(
    ("document", "warning"),
    [
        (redis(addrs=["a:1"], hosts={"b": "2"}), "storage.hosts: has no effect beside addrs"),
        (redis(sentinel_password="s"), "storage.sentinel_password: has no effect without master_name"),
        (
            redis(addrs=["a:1", "b:1"], database=3),
            "storage.database: a Redis Cluster has database 0 only, which is used",
        ),
        (redis(username="u"), "storage.username: has no effect without password"),
        (
            redis(ca_file="c"),
            "storage.ca_file: has no effect: the connection is not encrypted (set use_ssl)",
        ),
        (
            {"storage": {"host": "r"}},
            "storage.host: names a Redis, but the embedded store is used (set storage.type to redis)",
        ),
        (
            {"cache_storage": {"addrs": ["a:1"]}},
            "cache_storage.addrs: names a Redis, but it is not used (set enable_separate_cache_store)",
        ),
        (
            {"enable_separate_analytics_store": True},
            "enable_separate_analytics_store: no Redis is named in analytics_storage: localhost:6379 is used",
        ),
    ],
)
def test_what_does_nothing_is_warned_about(tmp_path: Path, document: dict[str, Any], warning: str) -> None:
    errors, warnings = findings(tmp_path, document)
    assert errors == []
    assert warnings == [warning]


@pytest.mark.parametrize(
    "document",
    [
        redis(host="r", port=6379, username="u", password="p", database=1, timeout=3),
        redis(addrs=["a:1", "b:1"], enable_cluster=True),
        redis(addrs=["a:1", "b:1"], master_name="m", sentinel_password="s", database=2),
        redis(hosts={"redis-cluster:6379": "redis-cluster:6379"}, optimisation_max_idle=2000),
        redis(use_ssl=True, ca_file="c", cert_file="c", key_file="k", tls_min_version="1.2", tls_max_version="1.3"),
        {**redis(), "enable_separate_cache_store": True, "cache_storage": {"type": "redis", "host": "c"}},
    ],
)
def test_what_fits_together_is_silent(tmp_path: Path, document: dict[str, Any]) -> None:
    assert findings(tmp_path, document) == ([], [])
