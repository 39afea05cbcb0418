"""What a definition says in fields that nobody knows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sluicegate.apidef import gojson
from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.policy_document import Policy
from sluicegate.apidef.session import AccessDefinition, APILimit
from sluicegate.apidef.unknown import MOST, unknown_fields, unknown_policy_fields


def told(document: Any) -> list[str]:
    return [str(one) for one in unknown_fields(json.dumps(document).encode(), "a.json")]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"use_keyles": True}, "a.json: use_keyles: unknown field; did you mean use_keyless?"),
        ({"nonsense": {"proxy": 1}}, "a.json: nonsense: unknown field"),
        ({"proxy": {"listenpath": "/"}}, "a.json: proxy.listenpath: unknown field; did you mean listen_path?"),
        (
            {"version_data": {"versions": {"v1": {"extended_paths": {"white_list": [{}, {"paht": "/"}]}}}}},
            "a.json: version_data.versions.v1.extended_paths.white_list[1].paht: unknown field; did you mean path?",
        ),
        (
            {"openapi": "3.0.3", "x-tyk-api-gateway": {"server": {"listenPaht": {}}}},
            "a.json: x-tyk-api-gateway.server.listenPaht: unknown field; did you mean listenPath?",
        ),
    ],
)
def test_they_are_named_with_what_was_likely_meant(document: dict[str, Any], says: str) -> None:
    assert told(document) == [says]


@pytest.mark.parametrize(
    "document",
    [
        json.loads(gojson.encode(APIDefinition())),
        {"USE_Keyless": True, "Proxy": {"Listen_Path": "/"}},
        {"config_data": {"anything": {"goes": 1}}, "proxy": None, "version_data": {"versions": None}},
        {"openapi": "3.0.3", "whatever": 1, "x-tyk-api-gateway": None},
        {"proxy": "of the wrong type, which others tell of"},
    ],
)
def test_nothing_is_said_of_what_is_known(document: dict[str, Any]) -> None:
    assert told(document) == []


def test_there_is_an_end_to_it() -> None:
    assert len(told({f"x{number}": 1 for number in range(1000)})) == MOST
    assert len(told({"x" * 100_000: 1})[0]) < 200


def test_what_is_no_json_is_told_of_by_others() -> None:
    assert list(unknown_fields(b"{", "a.json")) == []


def told_of_policy(document: Any) -> list[str]:
    return [str(one) for one in unknown_policy_fields(document, "p.json: gold")]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"qouta_max": 1}, "p.json: gold: qouta_max: unknown field; did you mean quota_max?"),
        ({"partitions": {"qouta": True}}, "p.json: gold: partitions.qouta: unknown field; did you mean quota?"),
        (
            {"access_rights": {"a": {"limit": {"rat": 1}}}},
            "p.json: gold: access_rights.a.limit.rat: unknown field; did you mean rate?",
        ),
    ],
)
def test_fields_of_policies(document: dict[str, Any], says: str) -> None:
    assert told_of_policy(document) == [says]


def test_nothing_is_said_of_what_a_policy_can_have() -> None:
    rights = {"a": AccessDefinition(api_id="a", limit=APILimit(rate=1))}
    assert told_of_policy(json.loads(gojson.encode(Policy(access_rights=rights)))) == []
    assert told_of_policy({"meta_data": {"any": 1}, "ID": "x", "_id": "y"}) == []
