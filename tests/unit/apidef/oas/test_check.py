"""What is wrong with a document, in Tyk's words (contract 02.8, 04.5)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.apidef.oas.check import check_document

EXTENSION = {
    "info": {"name": "n", "state": {"active": True}},
    "upstream": {"url": "u"},
    "server": {"listenPath": {"value": "/a/"}},
}


def document(**changes: Any) -> dict[str, Any]:
    head = {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {}}
    return {**head, "x-tyk-api-gateway": EXTENSION, **changes}


def extension(**changes: Any) -> dict[str, Any]:
    return document(**{"x-tyk-api-gateway": {**EXTENSION, **changes}})


def test_a_good_document() -> None:
    assert check_document(document()) == []
    assert check_document(document(openapi="3.1.0")) == []
    assert check_document(extension(unknown=1, upstream={"url": "u", "unknown": []})) == []


@pytest.mark.parametrize(
    ("wrong", "texts"),
    [
        (document(openapi="2.0"), ['Schema not found for version "2.0"']),
        (document(openapi=""), [r"openapi: Does not match pattern '^3\.0\.\d(-.+)?$'"]),
        (document(paths=None), ["paths: Invalid type. Expected: object, given: null"]),
        (document(info=None), ["info: Invalid type. Expected: object, given: null"]),
        (document(info={"title": "", "version": "1"}), ["invalid info: value of title must be a non-empty string"]),
        (
            document(paths={"/x": {"get": {"responses": None}}}),
            ["paths./x.get.responses: Invalid type. Expected: object, given: null"],
        ),
        (document(paths={"/x": {"get": {}}}), ["paths./x.get: responses is required"]),
        (
            document(**{"x-tyk-api-gateway": {"info": {"state": {}}, "server": {"listenPath": {"value": "/"}}}}),
            ["x-tyk-api-gateway: upstream is required", "x-tyk-api-gateway.info: name is required"],
        ),
        (
            extension(info={"name": "n", "state": {"active": "x"}}),
            ["x-tyk-api-gateway.info.state.active: Invalid type. Expected: boolean, given: string"],
        ),
        (
            extension(upstream={"url": "u", "rateLimit": {"per": 1}}),
            ["x-tyk-api-gateway.upstream.rateLimit.per: Invalid type. Expected: string, given: integer"],
        ),
        (
            extension(server={"listenPath": {"value": " "}}),
            [r"x-tyk-api-gateway.server.listenPath.value: Does not match pattern '\S+'"],
        ),
        (
            extension(server={"listenPath": {"value": "/"}, "gatewayTags": {"tags": [1]}}),
            ["x-tyk-api-gateway.server.gatewayTags.tags.0: Invalid type. Expected: string, given: integer"],
        ),
    ],
)
def test_everything_wrong_is_said(wrong: dict[str, Any], texts: list[str]) -> None:
    assert check_document(wrong) == texts


trees = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["get", "/x", "info", "url"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["openapi", "info", "paths", "components", "x-tyk-api-gateway"]), trees))
def test_any_tree_is_checked(tree: dict[str, Any]) -> None:
    assert all(isinstance(text, str) for text in check_document(tree))
