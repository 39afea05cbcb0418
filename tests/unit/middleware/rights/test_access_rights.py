"""Rights to APIs and versions: contract 06.4 #19."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, session_of

from sluicegate.middleware.rights.access_rights import NO_RIGHT, NO_RIGHT_TO_VERSION, AccessRights


def ask(rights: dict[str, Any], version_name: str = "", not_versioned: bool = True) -> Any:
    api = make_api(version_data={"not_versioned": not_versioned})
    step = AccessRights.from_definition(api, make_version(), make_services())
    assert step is not None
    session = session_of(access_rights=rights)
    return step.on_request(make_exchange(api=api, session=session, version_name=version_name))


def test_open_apis_ask_for_no_rights() -> None:
    assert AccessRights.from_definition(make_api(use_keyless=True), make_version(), make_services()) is None


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        ({}, None),
        ({"a1": {}}, None),
        ({"a1": {"api_id": "other"}}, None),
        ({"other": {"api_id": "a1"}}, NO_RIGHT),
    ],
)
def test_the_name_of_the_entry_counts(rights: dict[str, Any], expected: Any) -> None:
    assert ask(rights) == expected


def test_versions_count_where_there_are_any() -> None:
    rights = {"a1": {"versions": ["v1"]}}
    assert ask(rights, "v1", not_versioned=False) is None
    assert ask(rights, "v2", not_versioned=False) is NO_RIGHT_TO_VERSION
    assert ask({"a1": {}}, "v1", not_versioned=False) is NO_RIGHT_TO_VERSION
    assert ask({}, "v1", not_versioned=False) is None
    assert ask(rights, "v2") is None
