"""What the settings of a Redis come to."""

from __future__ import annotations

import pytest

from sluicegate.errors import ConfigError
from sluicegate.settings.storage import StorageOptions
from sluicegate.store.redis.options import redis_options


@pytest.mark.parametrize(
    ("storage", "addresses"),
    [
        (StorageOptions(), (("localhost", 6379),)),
        (StorageOptions(host="r", port=7), (("r", 7),)),
        (StorageOptions(hosts={"a": "1", "b": "2"}, host="r"), (("a", 1), ("b", 2))),
        (StorageOptions(hosts={"redis-cluster:6379": "redis-cluster:6379"}), (("redis-cluster", 6379),)),
        (StorageOptions(hosts={"a:6379": "6379", "b:6379": ""}), (("a", 6379), ("b", 6379))),
        (StorageOptions(hosts={"::1": "6379"}), (("::1", 6379),)),
        (StorageOptions(addrs=["a:1", "[::1]:2", "a:1"], hosts={"c": "3"}), (("a", 1), ("::1", 2))),
    ],
)
def test_addresses_are_read(storage: StorageOptions, addresses: tuple[tuple[str, int], ...]) -> None:
    assert redis_options(storage).addresses == addresses


@pytest.mark.parametrize(
    ("storage", "where"),
    [
        (StorageOptions(addrs=["a"]), "storage.addrs"),
        (StorageOptions(addrs=["a:0"]), "storage.addrs"),
        (StorageOptions(addrs=[":1"]), "storage.addrs"),
        (StorageOptions(addrs=["a:65536"]), "storage.addrs"),
        (StorageOptions(hosts={"a": "x"}), "storage.hosts"),
        (StorageOptions(hosts={"a": ""}), "storage.hosts"),
    ],
)
def test_what_is_no_address_is_an_error(storage: StorageOptions, where: str) -> None:
    with pytest.raises(ConfigError, match="is not an address") as caught:
        redis_options(storage)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("storage", "is_cluster", "database"),
    [
        (StorageOptions(database=2), False, True),
        (StorageOptions(addrs=["a:1"], database=2), False, True),
        (StorageOptions(addrs=["a:1"], enable_cluster=True, database=2), True, False),
        (StorageOptions(hosts={"a": "1", "b": "1"}, database=2), True, False),
        (StorageOptions(addrs=["a:1", "b:1"], master_name="m", database=2), False, True),
    ],
)
def test_the_topology_follows_from_the_addresses(storage: StorageOptions, is_cluster: bool, database: bool) -> None:
    options = redis_options(storage)
    assert options.is_cluster == is_cluster
    assert (("SELECT", "2") in options.greeting) == database


def test_sentinels_have_a_password_of_their_own_and_none_is_shown() -> None:
    storage = StorageOptions(addrs=["a:1"], master_name="m", sentinel_password="hush", username="u", password="hidden")
    options = redis_options(storage)
    assert options.greeting == (("AUTH", "u", "hidden"),)
    assert options.sentinel_greeting == (("AUTH", "hush"),)
    assert "hush" not in repr(options) and "hidden" not in repr(options)
