"""Limits on the stated length of a request: contract 06.4 #10."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version

from sluicegate.middleware.checks.request_size import LENGTH_REQUIRED, TOO_LARGE, RequestSize

ENDPOINT = {"extended_paths": {"size_limits": [{"path": "/small", "method": "POST", "size_limit": 2}]}}


def ask(version: dict[str, Any], method: str, body: bytes, target: str = "/x", chunked: bool = False) -> Any:
    step = RequestSize.from_definition(make_api(), make_version(**version), make_services())
    assert step is not None
    exchange = make_exchange(target, method, body=body)
    if chunked:
        exchange.request.content_length, exchange.request.has_length, exchange.request.chunked = None, False, True
    return step.on_request(exchange)


def test_without_a_limit_there_is_no_step() -> None:
    for version in (
        {},
        {"global_size_limit": 5, "global_size_limit_disabled": True},
        {"use_extended_paths": False, **ENDPOINT},
    ):
        assert RequestSize.from_definition(make_api(), make_version(**version), make_services()) is None


@pytest.mark.parametrize(
    ("method", "body", "expected"),
    [
        ("POST", b"12345", None),
        ("POST", b"123456", TOO_LARGE),
        ("PATCH", b"123456", TOO_LARGE),
        ("POST", b"", LENGTH_REQUIRED),
        ("DELETE", b"123456", None),
        ("GET", b"", None),
    ],
)
def test_limit_of_the_version(method: str, body: bytes, expected: Any) -> None:
    assert ask({"global_size_limit": 5}, method, body) == expected


def test_a_chunked_body_does_not_say_its_length() -> None:
    assert ask({"global_size_limit": 5}, "POST", b"1", chunked=True) == LENGTH_REQUIRED


def test_limit_of_an_endpoint() -> None:
    assert ask(ENDPOINT, "POST", b"12", "/small") is None
    assert ask(ENDPOINT, "POST", b"123", "/small") == TOO_LARGE
    assert ask(ENDPOINT, "PUT", b"123", "/small") is None
    assert ask(ENDPOINT, "POST", b"123", chunked=True) is None
    assert ask({"global_size_limit": 1, **ENDPOINT}, "POST", b"12", "/small") == TOO_LARGE


def test_their_response_flags() -> None:
    assert (LENGTH_REQUIRED.flag, TOO_LARGE.flag) == ("CLM", "BTL")
