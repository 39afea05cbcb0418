"""A node's name, and the address at which others reach it."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.exchange import settings_of

from sluicegate.cluster.identity import SOMEWHERE, address, node_id, ways


def test_a_name_that_is_set(tmp_path: Path) -> None:
    settings = settings_of({"cluster": {"enabled": True, "node_id": "one"}})
    assert node_id(settings, tmp_path / "a.node", lambda *_, **__: None) == "one"
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_made_up_is_kept(tmp_path: Path) -> None:
    settings, file, said = settings_of({"cluster": {"enabled": True}}), tmp_path / "a.node", []

    def log(level: str, message: str, **_: Any) -> None:
        said.append(level)

    name = node_id(settings, file, log)
    assert re.fullmatch(r".+-[0-9a-f]{6}", name)
    assert node_id(settings, file, log) == name
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert said == []
    assert node_id(settings, tmp_path / "nowhere" / "a.node", log) != name
    assert said == ["warning"], "it cannot be kept"


def test_without_a_cluster_nothing_is_kept(tmp_path: Path) -> None:
    assert node_id(settings_of({}), tmp_path / "a.node", lambda *_, **__: None)
    assert list(tmp_path.iterdir()) == []


def test_addresses() -> None:
    def of(**tree: Any) -> str:
        return address(settings_of({"listen_port": 8080, **tree}))

    assert of(listen_address="10.1.2.3") == "http://10.1.2.3:8080"
    assert of(listen_address="::1") == "http://[::1]:8080"
    assert of(listen_address="a", http_server_options={"use_ssl": True}) == "https://a:8080"
    everywhere = of(listen_address="", storage={"type": "redis", "host": "127.0.0.1", "port": 1})
    assert re.fullmatch(r"http://[^/:]+:8080", everywhere) and "0.0.0.0" not in everywhere


@pytest.mark.parametrize(
    ("storage", "expected"),
    [
        ({"type": "redis", "host": "10.9.8.7", "port": 1}, [("10.9.8.7", 1)]),
        ({"type": "redis", "addrs": ["10.9.8.7:1", "10.9.8.8:1"]}, [("10.9.8.7", 1), ("10.9.8.8", 1)]),
        ({"type": "redis", "hosts": {"10.9.8.7": "1"}}, [("10.9.8.7", 1)]),
        ({"host": "10.9.8.7"}, []),
    ],
)
def test_the_address_is_that_on_the_way_to_the_store(storage: Any, expected: Any) -> None:
    assert list(ways(settings_of({"storage": storage}))) == [*expected, SOMEWHERE]
