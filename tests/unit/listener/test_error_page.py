"""Error bodies and what may change them."""

from pathlib import Path

import pytest
from tests.fakes.exchange import make_api, make_exchange, settings_of

from sluicegate.chain.error_template import ErrorTemplate
from sluicegate.chain.exchange import Response
from sluicegate.chain.outcome import Rejection, Reply
from sluicegate.errors import ConfigError
from sluicegate.listener.error_page import ErrorPages
from sluicegate.listener.rejections import NOT_FOUND
from sluicegate.wire.headers import Headers

NO_KEY = Rejection(401, "Authorization field missing", "t_no_key", flag="AMF", headers=((b"Www-Authenticate", b"x"),))
JSON_PAGE = b'{\n    "error": "Authorization field missing"\n}'


def page(rejection: Rejection = NO_KEY, api: dict | None = None, content_type: str = "", **settings) -> Reply:
    headers = {"Content-Type": content_type} if content_type else {}
    return ErrorPages(settings_of(settings)).render(
        make_exchange(headers=headers, api=make_api(**(api or {}))), rejection
    )


def test_json() -> None:
    reply = page()
    assert (reply.status, reply.body) == (401, JSON_PAGE)
    assert reply.headers == [
        (b"Content-Type", b"application/json"),
        (b"X-Generator", b"tyk.io"),
        (b"Www-Authenticate", b"x"),
    ]
    assert ErrorPages(settings_of()).render(None, NO_KEY) == reply


def test_headers_by_settings() -> None:
    names = [name for name, _ in page(hide_generator_header=True).headers]
    assert names == [b"Content-Type", b"Www-Authenticate"]


@pytest.mark.parametrize("asked", ["application/xml", "text/xml; charset=UTF-8", "application/soap+xml"])
def test_xml(asked: str) -> None:
    reply = page(NO_KEY.saying("a < b"), content_type=asked)
    assert reply.body == b'<?xml version = "1.0" encoding = "UTF-8"?>\n<error>a &lt; b</error>\n'
    assert reply.headers[0] == (b"Content-Type", asked.partition(";")[0].encode())


def test_javascript_escapes() -> None:
    reply = page(NO_KEY.saying("""Can't <"a=b&c">\\ \n\x7fé/\u2028"""))
    text = reply.body.decode().splitlines()[1]
    assert text == r"""    "error": "Can\'t \u003C\"a\u003Db\u0026c\"\u003E\\ \u000A""" + '\x7fé/\\u2028"'


def test_plain_and_not_found() -> None:
    reply = page(Rejection(413, "Request Entity Too Large", "t_large", plain=True))
    assert reply.body == b"Request Entity Too Large\n"
    assert reply.headers == [
        (b"Content-Type", b"text/plain; charset=utf-8"),
        (b"X-Content-Type-Options", b"nosniff"),
    ]
    assert page(NOT_FOUND) == Reply(404, [], b"Not Found")


def test_own_templates(tmp_path: Path) -> None:
    (tmp_path / "error_401.json").write_text('{"no": "{{ .Message }}", "x": "{{.StatusCode}}"}')
    (tmp_path / "error.xml").write_text("<e>{{- /* trimmed */ -}}\n {{.Message}}</e>")
    (tmp_path / "default_webhook.json").write_text("{{if .X}}a{{end}}")
    path = str(tmp_path)
    assert page(template_path=path).body == b'{"no": "Authorization field missing", "x": "'
    assert page(template_path=path, content_type="text/xml").body == b"<e>Authorization field missing</e>"
    assert page(Rejection(403, "no", "t_no"), template_path=path).body == b'{\n    "error": "no"\n}'


def test_templates_that_are_more_than_we_serve_are_refused(tmp_path: Path) -> None:
    (tmp_path / "error.json").write_text("{{range .X}}a{{end}}")
    with pytest.raises(ConfigError, match=r"error\.json"):
        ErrorPages(settings_of({"template_path": str(tmp_path)}))


def override(status: str, **rule) -> dict:
    return {"error_overrides": {status: [rule]}}


@pytest.mark.parametrize(
    ("rule", "status", "body"),
    [
        ({"response": {"status_code": 403, "body": '{"error": "o"}'}}, 403, b'{"error": "o"}'),
        ({"response": {"status_code": 418, "body": "{{.StatusCode}} {{.Message}}|"}}, 418, b"418 |"),
        ({"response": {"body": "{{.StatusCode}} {{.Message}}", "message": "m"}}, 401, b"401 m"),
        ({"response": {"message": "Other"}}, 401, b'{\n    "error": "Other"\n}'),
        ({"response": {"status_code": 404}}, 404, JSON_PAGE),
        ({"match": {"flag": "AMF"}, "response": {"body": "f"}}, 401, b"f"),
        ({"match": {"flag": "RLT"}, "response": {"body": "f"}}, 401, JSON_PAGE),
        ({"match": {"message_pattern": "field.missing"}, "response": {"body": "p"}}, 401, b"p"),
        ({"match": {"flag": "RLT", "message_pattern": "^A"}, "response": {"body": "p"}}, 401, b"p"),
        ({"match": {"body_field": "a", "body_value": "b"}, "response": {"body": "p"}}, 401, JSON_PAGE),
    ],
)
@pytest.mark.parametrize("key", ["401", "4xx"])
def test_override(rule: dict, status: int, body: bytes, key: str) -> None:
    reply = page(**override(key, **rule))
    assert (reply.status, reply.body) == (status, body)
    assert reply.headers[0] == (b"Content-Type", b"application/json")
    assert (b"Www-Authenticate", b"x") in reply.headers


def test_overrides_of_the_api_go_first() -> None:
    api = override("401", response={"body": "api"})
    gateway = override("401", response={"body": "gateway", "headers": {"content-TYPE": "text/plain", "X-A": "1"}})
    assert page(api=api, **gateway).body == b"api"
    assert page(api={**api, "error_overrides_disabled": True}, **gateway).body == b"gateway"
    reply = page(api=override("500", response={"body": "api"}), **gateway)
    assert dict(reply.headers)[b"Content-Type"] == b"text/plain"
    assert dict(reply.headers)[b"X-A"] == b"1"


def test_an_override_does_not_say_how_the_answer_is_framed() -> None:
    headers = {"Content-Length": "3", "transfer-encoding": "chunked", "Connection": "close", "X-A": "1"}
    rule = override("4xx", response={"headers": headers})
    assert {name for name, _ in page(**rule).headers} == {b"Content-Type", b"X-Generator", b"Www-Authenticate", b"X-A"}
    response = Response(404, Headers())
    assert ErrorPages(settings_of(rule)).override_upstream(make_exchange(), response) is None
    assert response.headers.render() == b"X-A: 1\r\n"


@pytest.mark.parametrize("name", ["ours", "error_ours"])
def test_override_by_template_file(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.json").write_text('{"{{.StatusCode}}": "{{.Message}}"}')
    rule = override("401", response={"status_code": 499, "template": name, "message": "it's"})
    assert page(template_path=str(tmp_path), **rule).body == b'{"499": "it\\\'s"}'


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("abc", {}),
        ("500", {"match": {"message_pattern": "("}}),
        ("500", {"response": {"status_code": 100}}),
        ("500", {"response": {"headers": {"a b": "1"}}}),
        ("500", {"response": {"body": "{{.Message}}{{if}}"}}),
    ],
)
def test_bad_overrides_are_refused(key: str, rule: dict) -> None:
    with pytest.raises(ConfigError, match=f"error_overrides: {key}"):
        ErrorPages(settings_of(override(key, **rule)))


def test_upstream_errors() -> None:
    rules = {
        "error_overrides": {
            "5xx": [
                {"match": {"message_pattern": "x"}, "response": {"body": "unseen"}},
                {"match": {"flag": "URS"}, "response": {"status_code": 502, "message": "upstream"}},
            ],
            "404": [{"response": {"status_code": 410, "headers": {"X-A": "1"}}}],
        }
    }
    pages, exchange = ErrorPages(settings_of(rules)), make_exchange()
    reply = pages.override_upstream(exchange, Response(503, Headers()))
    assert (reply.status, reply.body, reply.rate_headers) == (502, b'{\n    "error": "upstream"\n}', True)
    missing = Response(404, Headers())
    assert pages.override_upstream(exchange, missing) is None
    assert (missing.status, missing.headers.get(b"x-a")) == (410, b"1")
    fine = Response(200, Headers())
    assert pages.override_upstream(exchange, fine) is None
    assert fine.status == 200


def test_rules_that_look_into_an_upstreams_body() -> None:
    rules = {
        "500": [
            {"match": {"message_pattern": "data.?base"}, "response": {"body": "by pattern"}},
            {
                "match": {"body_field": "error.code", "body_value": "7"},
                "response": {"status_code": 503, "body": "field"},
            },
            {"response": {"body": "else"}},
        ],
        "404": [{"response": {"body": "no look needed"}}, {"match": {"message_pattern": "x"}}],
    }
    pages, exchange = ErrorPages(settings_of({"error_overrides": rules})), make_exchange()
    assert not pages.wants_response_body(exchange, Response(404, Headers()))
    assert not pages.wants_response_body(exchange, Response(200, Headers()))
    for body, status, said in (
        (b"the data base is gone", 500, b"by pattern"),
        (b'{"error": {"code": 7}}', 503, b"field"),
        (b'{"error": {"code": 8}}', 500, b"else"),
        (b"", 500, b"else"),
    ):
        response = Response(500, Headers())
        assert pages.wants_response_body(exchange, response)
        assert pages.on_response_body(exchange, response, body) == said
        assert (response.status, response.headers.get(b"content-type")) == (status, b"application/json")


def test_trimming() -> None:
    assert ErrorTemplate("a \n{{- .Message -}}\n b", "t").render("m", 0) == b"amb"
