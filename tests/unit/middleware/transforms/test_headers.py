"""Header changes, request and response."""

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, session_of

from sluicegate.chain.exchange import Response
from sluicegate.errors import ConfigError
from sluicegate.middleware.transforms.request_headers import TransformRequestHeaders
from sluicegate.middleware.transforms.response_headers import TransformResponseHeaders
from sluicegate.wire.headers import Headers, make_field

SERVICES = make_services()


def changed(version, target="/", method="GET", **headers):
    step = TransformRequestHeaders.from_definition(make_api(), version, SERVICES)
    exchange = make_exchange(target, method, headers, session=session_of(meta_data={"tier": "gold"}))
    step.on_request(exchange)
    return exchange


def lines(headers: Headers) -> list[bytes]:
    return [field.line.strip() for field in headers]


def test_nothing_asked_for() -> None:
    assert TransformRequestHeaders.from_definition(make_api(), make_version(), SERVICES) is None
    disabled = make_version(global_headers={"A": "1"}, global_headers_disabled=True)
    assert TransformRequestHeaders.from_definition(make_api(), disabled, SERVICES) is None
    assert TransformResponseHeaders.from_definition(make_api(), make_version(), SERVICES) is None


def test_global_then_endpoint() -> None:
    entry = {"path": "/a", "method": "GET", "delete_headers": ["x-global"], "add_headers": {"X-Set": "$tyk_meta.tier"}}
    version = make_version(
        global_headers={"x-global": "1", "X-Set": "one"},
        global_headers_remove=["Gone"],
        extended_paths={"transform_headers": [entry, {**entry, "disabled": True, "path": "/b"}]},
    )
    exchange = changed(version, "/a", Gone="x", Kept="y", **{"X-Set": "from client"})
    assert lines(exchange.headers) == [b"Kept: y", b"X-Set: gold"]
    assert lines(exchange.request.headers) == [b"Gone: x", b"Kept: y", b"X-Set: from client"]
    assert lines(changed(version, "/b").headers) == [b"X-Global: 1", b"X-Set: one"]
    assert lines(changed(version, "/a", "POST").headers) == [b"X-Global: 1", b"X-Set: one"]


def test_framing_is_not_the_definition_s() -> None:
    version = make_version(
        global_headers={"Content-Length": "5", "transfer-encoding": "chunked", "Host": "x", "A": "1"}
    )
    assert lines(changed(version).headers) == [b"A: 1"]


def test_line_breaks_cannot_be_injected() -> None:
    version = make_version(global_headers={"A": "$tyk_meta.tier"})
    step = TransformRequestHeaders.from_definition(make_api(), version, SERVICES)
    exchange = make_exchange(session=session_of(meta_data={"tier": "x\r\nEvil: 1"}))
    step.on_request(exchange)
    assert lines(exchange.headers) == [b"A: x  Evil: 1"]


def test_taking_out_forwarded_for_hides_the_client() -> None:
    version = make_version(global_headers_remove=["X-Forwarded-For"])
    assert changed(version, **{"X-Forwarded-For": "1.1.1.1"}).hides_client
    assert not changed(make_version(global_headers={"A": "1"})).hides_client


def test_bad_name_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"global_headers: `a b` is not a header name"):
        TransformRequestHeaders.from_definition(make_api(), make_version(global_headers={"a b": "1"}), SERVICES)


def test_response_endpoint_then_global_then_processors() -> None:
    version = make_version(
        extended_paths={
            "transform_response_headers": [
                {"path": "/a", "method": "GET", "delete_headers": ["x-tyk-test"], "add_headers": {"X-E": "endpoint"}}
            ]
        },
        global_response_headers={"X-E": "global", "X-G": "global"},
    )
    processors = [
        {"name": "header_injector", "options": {"add_headers": {"X-G": "processor"}, "remove_headers": ["Server"]}},
        {"name": "response_body_transform", "options": {}},
    ]
    step = TransformResponseHeaders.from_definition(make_api(response_processors=processors), version, SERVICES)
    response = Response(200, Headers([make_field(b"X-Tyk-Test", b"1"), make_field(b"Server", b"s")]))
    step.on_response(make_exchange("/a"), response)
    assert lines(response.headers) == [b"X-E: global", b"X-G: processor"]


@pytest.mark.parametrize("options", ["text", {"add_headers": ["x"]}, {"add_headers": {"A": 1}}, {"remove_headers": {}}])
def test_bad_processor_options(options: object) -> None:
    api = make_api(response_processors=[{"name": "header_injector", "options": options}])
    if options == {"remove_headers": {}}:
        assert TransformResponseHeaders.from_definition(api, make_version(), SERVICES) is None
    else:
        with pytest.raises(ConfigError, match="header_injector"):
            TransformResponseHeaders.from_definition(api, make_version(), SERVICES)
