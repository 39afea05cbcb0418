"""Addresses that are let in or kept out."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version

from sluicegate.errors import ConfigError
from sluicegate.middleware.access.ip_allow import NOT_ALLOWED, IpAllow
from sluicegate.middleware.access.ip_block import BLOCKED, IpBlock

BOTH = [(IpAllow, "allowed_ips", "enable_ip_whitelisting"), (IpBlock, "blacklisted_ips", "enable_ip_blacklisting")]


@pytest.mark.parametrize(("kind", "field", "switch"), BOTH)
def test_a_list_counts_unless_it_is_switched_off(kind: Any, field: str, switch: str) -> None:
    def step(**fields: Any) -> Any:
        return kind.from_definition(make_api(**fields), make_version(), make_services())

    some = {field: ["192.0.2.1"]}
    assert step() is None and step(**{switch: True}) is None
    assert step(**some) is not None
    assert step(**some, ip_access_control_disabled=True) is None
    assert step(**some, ip_access_control_disabled=True, **{switch: True}) is not None


@pytest.mark.parametrize(("kind", "field", "switch"), BOTH)
def test_what_is_no_address_is_an_error_of_the_definition(kind: Any, field: str, switch: str) -> None:
    with pytest.raises(ConfigError, match=field):
        kind.from_definition(make_api(**{field: ["bogus"]}), make_version(), make_services())


def test_only_listed_addresses_get_in() -> None:
    step = IpAllow.from_definition(make_api(allowed_ips=["192.0.2.0/24"]), make_version(), make_services())
    assert step is not None
    assert step.on_request(make_exchange(peer_ip="192.0.2.7")) is None
    assert step.on_request(make_exchange(peer_ip="198.51.100.1")) is NOT_ALLOWED
    assert step.on_request(make_exchange(peer_ip="198.51.100.1", headers={"X-Real-IP": "192.0.2.9"})) is None


def test_listed_addresses_stay_out() -> None:
    step = IpBlock.from_definition(make_api(blacklisted_ips=["192.0.2.7"]), make_version(), make_services())
    assert step is not None
    assert step.on_request(make_exchange(peer_ip="192.0.2.7")) is BLOCKED
    assert step.on_request(make_exchange(peer_ip="192.0.2.8")) is None


def test_an_address_that_is_not_known_does_not_get_in() -> None:
    services = make_services({"http_server_options": {"xff_depth": 3}})
    step = IpAllow.from_definition(make_api(allowed_ips=["0.0.0.0/0"]), make_version(), services)
    assert step is not None
    exchange = make_exchange(services=services, headers={"X-Forwarded-For": "192.0.2.1"})
    assert step.on_request(exchange) is NOT_ALLOWED
