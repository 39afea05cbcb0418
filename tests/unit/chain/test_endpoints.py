"""Endpoint lists: contract 06.2."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.exchange import make_api, make_exchange, make_version, settings_of

from sluicegate.chain.endpoints import Endpoint, Endpoints
from sluicegate.errors import ConfigError

PREFIX = {"http_server_options": {"enable_path_prefix_matching": True}}
SUFFIX = {"http_server_options": {"enable_path_suffix_matching": True}}


def found(
    pattern: str,
    target: str,
    listen_path: str = "/api/",
    settings: dict[str, Any] | None = None,
    version: dict[str, Any] | None = None,
    ignore_case: bool = False,
    whole: bool = True,
) -> bool:
    endpoints = Endpoints(
        [Endpoint(pattern, "GET", True, ignore_case)], settings_of(settings), make_version(**version or {}), whole
    )
    exchange = make_exchange(target, api=make_api(proxy={"listen_path": listen_path}))
    return endpoints.find(exchange) is True


@pytest.mark.parametrize(
    ("pattern", "target", "expected"),
    [
        ("/users", "/api/users", True),
        ("/users", "/api/users/1/x", True),
        ("/users/{id}/pets", "/api/users/1/pets", True),
        ("/users/{id}/pets", "/api/users/1/2/pets", False),
        ("/tail/*", "/api/tail/x/y", True),
        ("/tail/*", "/api/tail", False),
        ("/user", "/api/%75ser", True),
        ("/users", "/api/x?path=/users", False),
        ("/ap", "/api/x", True),  # the whole path is tried too
        ("/Users", "/api/users", False),
    ],
)
def test_patterns_are_searched_in_every_form_of_the_path(pattern: str, target: str, expected: bool) -> None:
    assert found(pattern, target) is expected


def test_the_listen_path_is_looked_at_where_that_is_asked_for() -> None:
    assert not found("/ap", "/api/x", whole=False)
    assert not found("/api/a", "/api/a/b", settings=PREFIX, whole=False)
    assert found("/x", "/api/x", whole=False) and found("/x", "/x", listen_path="/", whole=False)


def test_flags_of_the_gateway_tie_patterns_to_the_ends() -> None:
    assert found("/b", "/api/a/b") and not found("/b", "/api/a/b", settings=PREFIX)
    assert found("/api/a", "/api/a/b", settings=PREFIX)  # the whole path begins with it
    assert found("/a", "/api/a/b") and not found("/a$", "/api/a/b") and not found("/a", "/api/a/b", settings=SUFFIX)


def test_case_is_ignored_where_gateway_version_or_entry_say_so() -> None:
    assert found("/Users", "/api/users", settings={"ignore_endpoint_case": True})
    assert found("/Users", "/api/users", version={"ignore_endpoint_case": True})
    assert found("/Users", "/api/users", ignore_case=True)


def test_the_version_in_the_path_may_be_left_out_or_not() -> None:
    api = make_api(proxy={"listen_path": "/api/"}, definition={"location": "url"})
    for pattern in ("^/users", "^/v1/users", "^/api/v1/users"):
        for whole in (True, False):
            endpoints = Endpoints([Endpoint(pattern, "GET", 1)], settings_of(), make_version(), whole)
            found_one = endpoints.find(make_exchange("/api/v1/users", api=api, version_name="v1"))
            assert found_one == (1 if whole or "api" not in pattern else None)


def test_the_first_entry_of_the_method_wins_and_none_is_every_method() -> None:
    endpoints = Endpoints(
        [Endpoint("/a", "POST", 1), Endpoint("/a/b", None, 2), Endpoint("/a", "GET", 3), Endpoint("/", "GET", 4)],
        settings_of(),
        make_version(),
    )
    assert endpoints.find(make_exchange("/a/b", "POST")) == 1
    assert endpoints.find(make_exchange("/a/b", "GET")) == 2
    assert endpoints.find(make_exchange("/a", "GET")) == 3
    assert endpoints.find(make_exchange("/x", "GET")) == 4
    assert endpoints.find(make_exchange("/a/b", "PURGE")) == 2
    assert endpoints.find(make_exchange("/a", "PURGE")) is None


def test_an_empty_method_matches_no_request() -> None:
    endpoints = Endpoints([Endpoint("/a", "", 1)], settings_of(), make_version())
    assert endpoints and endpoints.find(make_exchange("/a")) is None


def test_an_empty_list_is_false() -> None:
    assert not Endpoints([], settings_of(), make_version())


def test_a_pattern_that_re2_refuses_is_an_error_of_the_definition() -> None:
    with pytest.raises(ConfigError):
        Endpoints([Endpoint("/(?=a)", "GET", 1)], settings_of(), make_version())


def test_of_many_entries_the_first_one_wins_too() -> None:
    entries = [Endpoint(f"/p{number}/{{id}}", "GET", number) for number in range(200)]
    entries.append(Endpoint("/p7/{id}/x", "GET", 1000))
    endpoints = Endpoints(entries, settings_of(), make_version())
    assert endpoints.find(make_exchange("/p7/1/x")) == 7
    assert endpoints.find(make_exchange("/p199/1")) == 199
    assert endpoints.find(make_exchange("/q")) is None


PATTERN_PARTS = st.sampled_from(["/a", "/b", "/{id}", "/*", "/A", "^/a", "b$", "", "/é", "/a.b", "x?"])
PATH_PARTS = st.sampled_from(["/a", "/b", "/A", "/1", "/é", "/axb", "", "/%FF", "/lp"])


@given(
    st.lists(st.tuples(st.lists(PATTERN_PARTS, max_size=3).map("".join), st.booleans()), min_size=11, max_size=20),
    st.lists(PATH_PARTS, min_size=1, max_size=4).map("".join),
    st.booleans(),
)
def test_many_at_once_decide_like_one_after_the_other(patterns: list[tuple[str, bool]], path: str, whole: bool) -> None:
    entries = [Endpoint(text, "GET", number, ignores) for number, (text, ignores) in enumerate(patterns)]
    exchange = make_exchange("/lp" + path, api=make_api(proxy={"listen_path": "/lp/"}))
    each = [Endpoints([entry], settings_of(), make_version(), whole).find(exchange) for entry in entries]
    first = next((value for value in each if value is not None), None)
    assert Endpoints(entries, settings_of(), make_version(), whole).find(exchange) == first
