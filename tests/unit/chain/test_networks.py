"""Sets of addresses and networks."""

from __future__ import annotations

import pytest

from sluicegate.chain import networks
from sluicegate.chain.networks import Networks
from sluicegate.errors import ConfigError


@pytest.mark.parametrize(
    ("texts", "address", "expected"),
    [
        (["192.0.2.1"], "192.0.2.1", True),
        (["192.0.2.1"], "192.0.2.2", False),
        (["192.0.2.1"], "::ffff:192.0.2.1", True),
        (["::ffff:192.0.2.1"], "192.0.2.1", True),
        (["10.0.0.0/8"], "10.255.0.1", True),
        (["10.1.2.3/8"], "10.255.0.1", True),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", True),
        (["::ffff:10.0.0.0/104"], "10.255.0.1", True),
        (["::ffff:10.0.0.0/104"], "::ffff:10.255.0.1", True),
        (["::ffff:10.0.0.0/104"], "11.0.0.1", False),
        (["::/0"], "2001:db8::1", True),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "10.0.0.1", False),
        (["10.0.0.0/8"], "", False),
        (["10.0.0.0/8"], "no address", False),
    ],
)
def test_membership(texts: list[str], address: str, expected: bool) -> None:
    assert Networks(texts, "here").has(address) is expected


def test_what_is_no_address_is_named() -> None:
    with pytest.raises(ConfigError, match="allowed_ips: invalid IP"):
        Networks(["10.0.0"], "allowed_ips")


def test_clients_cannot_make_the_memory_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "REMEMBERED_ADDRESSES", 10)
    some = Networks(["10.0.0.0/8"], "here")
    assert all(some.has(f"10.0.0.{number}") for number in range(100))
    assert len(some._remembered) <= 10
