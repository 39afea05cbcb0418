"""Ignore, allow, block and internal lists, and classic mocks: contract 06.3."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version

from sluicegate.chain.outcome import Reply
from sluicegate.errors import ConfigError
from sluicegate.middleware.access.path_lists import FORBIDDEN, PathLists

NO_ACTION = {"action": "no_action", "code": 200}


def ask(version: dict[str, Any], target: str = "/x", method: str = "GET", loop_level: int = 0, **api: Any) -> Any:
    """Return what is decided: "ignored" for a path that is ignored, else the outcome."""
    definition = make_api(proxy={"listen_path": "/"}, **api)
    step = PathLists.from_definition(definition, make_version(**version), make_services())
    assert step is not None
    preflight = {"Access-Control-Request-Method": "GET"} if method == "OPTIONS" else {}
    exchange = make_exchange(target, method, preflight, api=definition)
    exchange.loop_level = loop_level
    outcome = step.on_request(exchange)
    assert not exchange.ignored or step.may_ignore
    return "ignored" if exchange.ignored and outcome is None else outcome


def lists(**paths: Any) -> dict[str, Any]:
    return {"extended_paths": paths}


def test_without_any_entry_there_is_no_step() -> None:
    disabled = {"path": "/x", "disabled": True}
    assert PathLists.from_definition(make_api(), make_version(), make_services()) is None
    for version in (
        make_version(**lists(white_list=[disabled], black_list=[disabled], ignored=[disabled], internal=[disabled])),
        make_version(use_extended_paths=False, **lists(black_list=[{"path": "/x"}])),
        make_version(paths={"black_list": ["/x"]}),
    ):
        assert PathLists.from_definition(make_api(), version, make_services()) is None


@pytest.mark.parametrize("key", ["ignored", "black_list", "white_list"])
def test_lists_without_extended_paths(key: str) -> None:
    version = {"use_extended_paths": False, "paths": {key: ["/simple", "/regex/{id}/test"]}}
    expected = {"ignored": "ignored", "black_list": FORBIDDEN, "white_list": None}[key]
    assert ask(version, "/simple") == ask(version, "/regex/123/test", "POST") == expected
    assert ask(version, "/regex/123/differ") == (FORBIDDEN if key == "white_list" else None)


@pytest.mark.parametrize(
    ("entry", "method", "expected"),
    [
        ({}, "PUT", FORBIDDEN),
        ({"method": "GET"}, "GET", FORBIDDEN),
        ({"method": "GET"}, "POST", None),
        ({"method": "get"}, "GET", None),
        ({"method_actions": {"GET": NO_ACTION}}, "GET", FORBIDDEN),
        ({"method_actions": {"GET": NO_ACTION}}, "POST", None),
        ({"method": "POST", "method_actions": {"GET": NO_ACTION}}, "POST", None),
    ],
)
def test_methods_of_a_block_entry(entry: dict[str, Any], method: str, expected: Any) -> None:
    assert ask(lists(black_list=[{"path": "/x", **entry}]), method=method) == expected


@pytest.mark.parametrize("action", [{}, {"action": "No_Action"}, {"action": "redirect", "code": 302}])
@pytest.mark.parametrize("key", ["ignored", "white_list", "black_list"])
def test_an_action_that_is_none_closes_the_path(key: str, action: dict[str, Any]) -> None:
    version = lists(**{key: [{"path": "/x", "method_actions": {"GET": action}}]})
    assert ask(version) == FORBIDDEN
    assert ask(version, method="POST") == (FORBIDDEN if key == "white_list" else None)


def test_an_allow_list_closes_all_it_does_not_name() -> None:
    version = lists(white_list=[{"path": "/x", "method": "GET"}], transform_headers=[{"path": "/y", "method": "GET"}])
    assert ask(version) is None
    assert ask(version, method="POST") == FORBIDDEN
    assert ask(version, "/y") == FORBIDDEN


def test_ignored_comes_before_blocked_and_blocked_before_allowed() -> None:
    entry = [{"path": "/x"}]
    assert ask(lists(ignored=entry, black_list=entry, white_list=entry)) == "ignored"
    assert ask(lists(black_list=entry, white_list=entry)) == FORBIDDEN
    assert ask(lists(ignored=[{"path": "/i"}], white_list=[{"path": "/w"}]), "/i") == "ignored"


def test_a_mock_answers_its_method_only_and_is_not_recorded() -> None:
    mock = {"path": "/x", "method": "GET", "code": 418, "body": "tea", "headers": {"x-kind": "oolong"}}
    version = lists(mock_response=[mock], ignored=[{"path": "/x"}])
    reply = ask(version)
    assert reply == Reply(418, [(b"X-Kind", b"oolong")], b"tea", tracked=False)
    assert ask(version, method="POST") == "ignored"


def test_replies_are_not_shared() -> None:
    api = make_api()
    step = PathLists.from_definition(
        api, make_version(**lists(mock_response=[{"path": "/", "method": "GET"}])), make_services()
    )
    assert step is not None
    first, second = step.on_request(make_exchange(api=api)), step.on_request(make_exchange(api=api))
    assert isinstance(first, Reply) and isinstance(second, Reply)
    first.headers.append((b"X", b"1"))
    assert second.headers == [] and second.status == 200


def test_an_action_of_a_list_may_reply() -> None:
    actions = {"GET": {"action": "reply", "code": 201, "data": "flump"}, "PUT": NO_ACTION}
    version = lists(white_list=[{"path": "/reply/{id}", "method_actions": actions}])
    assert ask(version, "/reply/123") == Reply(201, [], b"flump", tracked=False)
    assert ask(version, "/reply/123", "PUT") is None
    assert ask(version, "/reply/") == FORBIDDEN


def test_a_mock_does_not_say_how_it_is_framed() -> None:
    headers = {"Content-Length": "3", "transfer-encoding": "chunked", "Connection": "close", "X-A": "1"}
    reply = ask(lists(mock_response=[{"path": "/x", "method": "GET", "body": "hello", "headers": headers}]))
    assert reply.headers == [(b"X-A", b"1")]


def test_a_broken_header_of_a_mock_is_an_error_of_the_definition() -> None:
    with pytest.raises(ConfigError, match="not a header name"):
        ask(lists(mock_response=[{"path": "/x", "method": "GET", "headers": {"a b": "c"}}]))


def test_internal_endpoints_are_for_loops_only() -> None:
    version = lists(internal=[{"path": "/x", "method": "GET"}], ignored=[{"path": "/x"}])
    assert ask(version) == FORBIDDEN
    assert ask(version, method="POST") == "ignored"
    assert ask(version, loop_level=1) == "ignored"


def test_loops_reach_internal_endpoints_that_an_allow_list_does_not_name() -> None:
    version = lists(internal=[{"path": "/x", "method": "GET"}], white_list=[{"path": "/y"}])
    assert ask(version, loop_level=1) is None
    assert ask(version) == ask(version, method="POST", loop_level=1) == ask(version, "/z", loop_level=1) == FORBIDDEN
    assert ask(lists(black_list=[{"path": "/x"}], **version["extended_paths"]), loop_level=1) == FORBIDDEN


def test_preflights_pass_where_the_gateway_answers_them() -> None:
    version = lists(black_list=[{"path": "/x"}])
    assert ask(version, method="OPTIONS") == FORBIDDEN
    assert ask(version, method="OPTIONS", CORS={"enable": True}) == "ignored"
    assert ask(version, method="OPTIONS", CORS={"enable": True, "options_passthrough": True}) == FORBIDDEN


def test_case_of_an_entry() -> None:
    version = lists(ignored=[{"path": "/Foo"}, {"path": "/bar", "ignore_case": True}])
    assert [ask(version, path) for path in ("/foo", "/Foo", "/bar", "/Bar")] == [None, "ignored", "ignored", "ignored"]
