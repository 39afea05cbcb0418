"""Credentials do not go on: contract 08.1."""

from __future__ import annotations

from typing import Any

from tests.fakes.exchange import make_api, make_exchange, make_services, make_version

from sluicegate.chain.exchange import Exchange
from sluicegate.middleware.auth.strip_auth import StripAuth


def stripped(target: str, headers: dict[str, str], **api: Any) -> Exchange:
    step = StripAuth.from_definition(make_api(strip_auth_data=True, **api), make_version(), make_services())
    assert step is not None
    exchange = make_exchange(target, headers=headers)
    step.on_request(exchange)
    return exchange


def test_unless_asked_for_they_stay() -> None:
    assert StripAuth.from_definition(make_api(), make_version(), make_services()) is None


def test_the_header_by_its_name() -> None:
    exchange = stripped("/?Authorization=x", {"Authorization": "x", "Accept": "y"})
    assert [field.name for field in exchange.headers] == [b"accept"]
    assert exchange.url is None
    exchange = stripped(
        "/", {"Authorization": "x", "X-Key": "y"}, auth_configs={"authToken": {"auth_header_name": "x-key"}}
    )
    assert [field.name for field in exchange.headers] == [b"authorization"]


def test_the_received_request_is_left_as_it_was() -> None:
    exchange = stripped("/", {"Authorization": "x"})
    assert b"authorization" in exchange.request.headers and b"authorization" not in exchange.headers


def test_the_parameter() -> None:
    config = {"use_param": True, "param_name": "key", "auth_header_name": "X-Key"}
    assert stripped("/a?x=1&key=abc&y=%20", {}, auth=config).url == b"/a?x=1&y=%20"
    assert stripped("/a?key=abc", {}, auth=config).url == b"/a"
    assert stripped("/a?x=1", {}, auth=config).url is None
    assert stripped("/a?X-Key=abc&b", {}, auth={"use_param": True, "auth_header_name": "X-Key"}).url == b"/a?b"


def test_only_that_cookie() -> None:
    config = {"use_cookie": True, "cookie_name": "key", "disable_header": True}
    exchange = stripped("/", {"Cookie": "a=1; key=abc; b=2", "Authorization": "stays"}, auth=config)
    assert exchange.headers.get(b"cookie") == b"a=1; b=2" and b"authorization" in exchange.headers
    assert b"cookie" not in stripped("/", {"Cookie": "key=abc"}, auth=config).headers


def test_names_and_passwords_of_users() -> None:
    configs = {"authToken": {"auth_header_name": "X-Key"}}
    headers = {"Authorization": "Basic x", "X-Key": "y", "X-User": "z"}
    exchange = stripped("/", headers, use_basic_auth=True, auth_configs=configs)
    assert [field.name for field in exchange.headers] == [b"x-user"]
    exchange = stripped(
        "/", headers, use_basic_auth=True, auth_configs={**configs, "basic": {"auth_header_name": "X-User"}}
    )
    assert [field.name for field in exchange.headers] == [b"authorization"]
