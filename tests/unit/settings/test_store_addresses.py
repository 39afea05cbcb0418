"""The three ways to say where a Redis is."""

from __future__ import annotations

import pytest

from sluicegate.errors import ConfigError
from sluicegate.settings.storage import StorageOptions
from sluicegate.settings.store_addresses import addresses_of


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
    assert addresses_of(storage) == addresses


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
        addresses_of(storage)
    assert caught.value.where == where
