"""What is said to browsers: rs/cors 1.11's answers."""

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version

from sluicegate.middleware.answers.cors import Cors

PREFLIGHT_VARY = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def said(config: dict, method: str = "GET", **headers: str):
    """Return the outcome and the header lines of a request."""
    step = Cors.from_definition(make_api(CORS={"enable": True, **config}), make_version(), make_services())
    exchange = make_exchange(method=method, headers={name.replace("_", "-"): value for name, value in headers.items()})
    outcome = step.on_request(exchange)
    short = {name.decode().removeprefix("Access-Control-"): value.decode() for name, value in exchange.response_headers}
    return outcome, short


def preflight(config: dict, method: str = "PUT", **headers: str):
    outcome, short = said(config, "OPTIONS", Access_Control_Request_Method=method, **headers)
    assert (outcome.status, outcome.body, outcome.headers, outcome.tracked) == (204, b"", [], False)
    assert short.pop("Vary") == PREFLIGHT_VARY.decode()
    return short


def test_off() -> None:
    assert Cors.from_definition(make_api(CORS={"allowed_origins": ["*"]}), make_version(), make_services()) is None


@pytest.mark.parametrize(
    ("config", "origin", "expected"),
    [
        (
            {"allowed_origins": ["*"], "exposed_headers": ["custom-HEADER", "b"]},
            "my",
            {"Allow-Origin": "*", "Expose-Headers": "Custom-Header, B"},
        ),
        ({}, "my", {"Allow-Origin": "*"}),
        ({"allow_credentials": True}, "my", {"Allow-Origin": "*", "Allow-Credentials": "true"}),
        ({"allowed_origins": ["http://A.test"]}, "http://a.TEST", {"Allow-Origin": "http://a.TEST"}),
        ({"allowed_origins": ["http://a.test"]}, "http://b.test", {}),
        ({"allowed_origins": ["http://*.test"]}, "http://x.y.test", {"Allow-Origin": "http://x.y.test"}),
        ({"allowed_origins": ["http://a*a.test"]}, "http://a.test", {}),
        ({"allowed_methods": ["POST"]}, "my", {}),
        ({}, "", {}),
    ],
)
def test_request(config: dict, origin: str, expected: dict) -> None:
    outcome, short = said(config, Origin=origin)
    assert outcome is None
    assert short == {"Vary": "Origin", **expected}


def test_no_origin() -> None:
    assert said({}) == (None, {"Vary": "Origin"})


def test_preflight() -> None:
    config = {
        "allowed_methods": ["PUT"],
        "allowed_headers": ["X-A", "content-type"],
        "max_age": 24,
        "allow_credentials": True,
    }
    allowed = preflight(config, Origin="o", Access_Control_Request_Headers="content-type, x-a")
    assert allowed == {
        "Allow-Origin": "*",
        "Allow-Methods": "PUT",
        "Allow-Headers": "content-type, x-a",
        "Allow-Credentials": "true",
        "Max-Age": "24",
    }
    assert preflight(config, "DELETE", Origin="o") == {}
    assert preflight(config, Origin="o", Access_Control_Request_Headers="x-b") == {}
    assert preflight(config) == {}
    assert preflight(
        {"allowed_methods": ["PUT"], "allowed_headers": ["*"]}, Origin="o", Access_Control_Request_Headers="x-b"
    ) == {
        "Allow-Origin": "*",
        "Allow-Methods": "PUT",
        "Allow-Headers": "x-b",
    }


def test_other_options_requests_end_here_too() -> None:
    outcome, short = said({}, "OPTIONS", Origin="o")
    assert (outcome.status, short) == (200, {"Vary": "Origin", "Allow-Origin": "*"})


def test_passthrough() -> None:
    assert said({"options_passthrough": True}, "OPTIONS", Origin="o", Access_Control_Request_Method="PUT") == (None, {})
    assert said({"options_passthrough": True}, Origin="o")[1] == {"Vary": "Origin", "Allow-Origin": "*"}
