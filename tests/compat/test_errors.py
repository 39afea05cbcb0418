"""What a client reads when something is wrong, and what may change it (contract 06.6)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, api
from tests.upstreams import Upstream, answer, answering
from tests.wire import get

BROKEN = answer(
    b'{"error": {"code": 7, "text": "database gone"}}', b"X-Upstream: 1", status=b"500 Internal Server Error"
)
LONG = answer(b"database" + b"." * 100_000, b"X-Upstream: 1", status=b"500 Internal Server Error")


def override(match: dict[str, str] | None, **response: object) -> dict[str, object]:
    return {"response": response} if match is None else {"match": match, "response": response}


APIS = {
    "keyed": {"use_keyless": False},
    "message": {
        "use_keyless": False,
        "error_overrides": {
            "4xx": [override({"flag": "AMF"}, status_code=418, message="no <key>", headers={"X-A": "1"})]
        },
    },
    "pattern": {
        "error_overrides": {"500": [override({"message_pattern": "data.?base"}, status_code=503, body="later")]}
    },
    "field": {
        "error_overrides": {"5xx": [override({"body_field": "error.code", "body_value": "7"}, body="{{.StatusCode}}")]}
    },
    "order": {
        "error_overrides": {"500": [override({"message_pattern": "nothing"}, body="1"), override(None, body="2")]}
    },
    "headers": {"error_overrides": {"500": [override(None, status_code=502, headers={"X-A": "1"})]}},
    "untouched": {"error_overrides": {"500": [override({"message_pattern": "nothing"}, body="1")]}},
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Upstream(answering(BROKEN)) as broken, Upstream(answering(LONG)) as long:
        apis = [api(f"/{name}/", broken.url, **more) for name, more in APIS.items()]
        apis.append(api("/long/", long.url, error_overrides=APIS["pattern"]["error_overrides"]))
        with Gateway(tmp_path_factory.mktemp("errors"), apis=apis) as running:
            yield running


def test_json_unless_the_request_is_xml(gateway: Gateway) -> None:
    said = gateway.ask(get("/keyed/"))
    assert (said.status, said.get(b"content-type"), said.get(b"x-generator")) == (401, b"application/json", b"tyk.io")
    assert said.body == b'{\n    "error": "Authorization field missing"\n}'
    said = gateway.ask(get("/keyed/", "Content-Type: text/xml; charset=UTF-8"))
    assert said.get(b"content-type") == b"text/xml"
    assert said.body == (b'<?xml version = "1.0" encoding = "UTF-8"?>\n<error>Authorization field missing</error>\n')


def test_another_message_status_and_header(gateway: Gateway) -> None:
    said = gateway.ask(get("/message/"))
    assert said.start == b"HTTP/1.1 418 I'm a teapot"
    assert (said.status, said.get(b"x-a"), said.get(b"x-generator")) == (418, b"1", b"tyk.io")
    assert said.body == b'{\n    "error": "no \\u003Ckey\\u003E"\n}'


@pytest.mark.parametrize(
    ("name", "status", "body"), [("pattern", 503, b"later"), ("field", 500, b"500"), ("order", 500, b"2")]
)
def test_an_upstreams_error_is_replaced_by_what_it_says(gateway: Gateway, name: str, status: int, body: bytes) -> None:
    said = gateway.ask(get(f"/{name}/"))
    assert (said.status, said.body, said.get(b"x-upstream"), said.get(b"x-generator")) == (status, body, None, None)
    assert said.get(b"content-type") == b"application/json"


def test_an_upstreams_error_keeps_its_body_where_a_rule_has_none(gateway: Gateway) -> None:
    said = gateway.ask(get("/headers/"))
    assert (said.status, said.get(b"x-a"), said.get(b"x-upstream")) == (502, b"1", b"1")
    assert said.body == BROKEN.partition(b"\r\n\r\n")[2]


def test_what_no_rule_is_for_passes(gateway: Gateway) -> None:
    said = gateway.ask(get("/untouched/"))
    assert (said.status, said.body, said.get(b"x-upstream")) == (500, BROKEN.partition(b"\r\n\r\n")[2], b"1")
    said = gateway.ask(get("/long/"))
    assert (said.status, len(said.body), said.get(b"x-upstream")) == (500, 100_008, b"1")
