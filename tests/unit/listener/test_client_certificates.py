"""Who is asked for a certificate, by the name that a client asks for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import trustme
from tests.fakes.exchange import settings_of

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition
from sluicegate.errors import ConfigError
from sluicegate.listener.client_certificates import ClientRules
from sluicegate.store.certificates import Certificates

AUTHORITY = trustme.CA()
ONE, TWO, GLOBAL = (AUTHORITY.issue_cert(f"{name}.test").cert_chain_pems[0].bytes().decode() for name in "abc")


def wanting(domain: str = "", *certificates: str, **fields: Any) -> Api:
    return api(domain, use_mutual_tls_auth=True, client_certificates=list(certificates), **fields)


def api(domain: str = "", **fields: Any) -> Api:
    return Api(msgspec.convert({"domain": domain, **fields}, APIDefinition), source="a.json")


def rules(*apis: Api, problems: list[ConfigError] | None = None, **settings: Any) -> ClientRules:
    tree = {"enable_custom_domains": True, **settings}
    found: list[ConfigError] = []
    made = ClientRules(settings_of(tree), apis, Certificates(), found)
    assert problems is not None or found == []
    if problems is not None:
        problems += found
    return made


def demanded(made: ClientRules, name: str, *, is_shared: bool = False) -> bool | None:
    asked = made.asked(name, is_shared=is_shared)
    return asked.demanded if asked is not None else None


def test_nobody_is_asked_when_no_api_wants_certificates() -> None:
    made = rules(api(), api("one.test"))
    assert not made.asks
    assert demanded(made, "one.test") is demanded(made, "") is None


@pytest.mark.parametrize(
    ("apis", "expected"),
    [
        ([wanting("one.test")], True),
        ([wanting("one.test"), wanting("one.test")], True),
        ([wanting("one.test"), api("one.test")], False),
        ([api("one.test"), wanting("one.test")], False),
        ([api("one.test")], None),
    ],
)
def test_all_of_a_domain_some_or_none(apis: list[Api], expected: bool | None) -> None:
    assert demanded(rules(*apis), "one.test") is expected
    assert demanded(rules(*apis), "two.test") is None


def test_names_that_no_api_has_are_those_of_apis_without_a_domain() -> None:
    made = rules(wanting(), api("one.test"))
    assert [demanded(made, name) for name in ("", "any.test", "one.test")] == [True, True, None]


def test_patterns() -> None:
    made = rules(wanting("{sub:[a-z]+}.test"), api())
    assert [demanded(made, name) for name in ("one.test", "1.test", "one.test.other", "")] == [True, None, None, None]


def test_beside_the_gateway_api_nothing_is_demanded_of_names_that_no_api_has() -> None:
    made = rules(wanting(), wanting("one.test"))
    assert [demanded(made, name, is_shared=True) for name in ("", "any.test", "one.test")] == [False, False, True]


@pytest.mark.parametrize(
    ("settings", "fields"), [({"enable_custom_domains": False}, {}), ({}, {"domain_disabled": True})]
)
def test_domains_that_are_switched_off(settings: dict[str, Any], fields: dict[str, Any]) -> None:
    assert demanded(rules(wanting("one.test", **fields), **settings), "any.test") is True


def test_what_may_be_shown_is_that_of_the_domain_and_of_apis_without_one() -> None:
    apis = [wanting("", ONE), wanting("two.test", TWO), wanting("three.test"), api("", use_keyless=True)]
    made = rules(*apis, security={"certificates": {"apis": [GLOBAL]}})

    def shown(name: str) -> set[str]:
        asked = made.asked(name, is_shared=False)
        assert asked is not None
        parts = asked.anchors.decode().split("-----END CERTIFICATE-----\n")
        return {part + "-----END CERTIFICATE-----\n" for part in parts if part}

    assert shown("") == {ONE, GLOBAL}
    assert shown("two.test") == {ONE, TWO, GLOBAL}
    assert shown("three.test") == {ONE, GLOBAL}


def test_what_is_wrong_with_the_list_is_told() -> None:
    problems: list[ConfigError] = []
    made = rules(wanting("", "1" * 64, "-----BEGIN CERTIFICATE-----\nzork", ONE), problems=problems)
    assert [problem.where for problem in problems] == ["a.json: client_certificates"] * 2
    asked = made.asked("", is_shared=False)
    assert asked is not None and asked.anchors.decode() == ONE
