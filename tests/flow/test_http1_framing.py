"""HTTP/1.1 as RFC 9112 has it, over real sockets: how requests and answers are framed, in good order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gateway import Gateway, api, paths
from tests.upstreams import Upstream, answer
from tests.wire import Message, Wire, chunked, get, request


def script(wire: Wire, upstream: Upstream) -> None:
    """Answer by the path: many ways of framing."""
    while True:
        message = upstream.take(wire)
        path = message.target.partition(b"?")[0]
        if path in ANSWERS:
            wire.send(ANSWERS[path] + (b"hello" if path == b"/untyped" and message.method != b"HEAD" else b""))
            if path == b"/until-close":
                return
        else:
            told = {"method": message.method.decode(), "target": message.target.decode()}
            told |= {
                "body": message.body.decode("latin-1"),
                "trailers": [list(map(bytes.decode, one)) for one in message.trailers],
            }
            told |= {"headers": {name.decode().lower(): value.decode() for name, value in message.fields}}
            wire.send(answer(json.dumps(told).encode()))


CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
ANSWERS = {
    b"/chunked": CHUNKED_HEAD + b"\r\n" + chunked(b"a" * 3000, b"b" * 3000),
    b"/trailers": CHUNKED_HEAD + b"Trailer: X-Sum\r\n\r\n" + chunked(b"a" * 3000, trailers=b"X-Sum: 7\r\n"),
    b"/until-close": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"c" * 5000,
    b"/204": b"HTTP/1.1 204 No Content\r\nX-One: 1\r\n\r\n",
    b"/204-with-length": b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    b"/tagged": answer(b"tagged", b'Etag: "e"'),
    b"/304": b'HTTP/1.1 304 Not Modified\r\nEtag: "e"\r\nContent-Length: 99\r\n\r\n',
    b"/interim": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + answer(b"late"),
    b"/untyped": b"HTTP/1.1 200 OK\r\nDate: Sun, 01 Nov 2026 00:00:00 GMT\r\nContent-Length: 5\r\n\r\n",
    b"/length-of-head": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 77\r\n\r\n",
}


CACHED = {"enable_cache": True, "cache_all_safe_requests": True, "cache_timeout": 60}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(script) as one:
        yield one


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    mock = {"path": "/mock", "method": "GET", "ignore_case": False, "disabled": False}
    transformed = [{"path": "/length-of-head", "method": "GET", "to_method": "HEAD"}]
    transformed += [{"path": "/chunked", "method": "HEAD", "to_method": "GET"}]
    mocks = [mock | {"path": "/mock", "code": 200, "body": "m" * 100, "headers": {"X-Mock": "1"}}]
    mocks += [mock | {"path": "/same", "method": "GET", "code": 304}]
    mocks += [mock | {"path": "/empty", "method": method, "code": 204, "body": "none"} for method in ("GET", "POST")]
    apis = [
        api("/a/", upstream.url),
        api("/t/", upstream.url, version_data=paths(method_transforms=transformed)),
        api("/m/", upstream.url, version_data=paths(mock_response=mocks)),
        api("/c/", upstream.url, cache_options=CACHED),
    ]
    with Gateway(tmp_path_factory.mktemp("gateway"), apis=apis) as one:
        yield one


def still_works(client: Wire) -> bool:
    """Return whether the connection takes another request, and nothing stands before its answer."""
    return json.loads(client.ask(get("/a/still")).body)["target"] == "/still"


def told(message: Message) -> dict[str, object]:
    assert message.status == 200, message
    found: dict[str, object] = json.loads(message.body)
    return found


# -- one connection, many requests


def test_a_connection_is_kept(client: Wire, upstream: Upstream) -> None:
    for number in range(5):
        answered = client.ask(get(f"/a/{number}?q=1"))
        assert told(answered)["target"] == f"/{number}?q=1"
        assert answered.get(b"connection") is None


def test_the_client_may_end_it(client: Wire) -> None:
    answered = client.ask(get("/a/x", "Connection: close"))
    assert answered.get(b"connection") == b"close"
    assert client.is_closed()


def test_the_node_may_end_all_of_them(upstream: Upstream, tmp_path: Path) -> None:
    conf = {"close_connections": True, "proxy_close_connections": True}
    before = upstream.connections
    with Gateway(tmp_path, apis=[api("/a/", upstream.url)], conf=conf) as gateway:
        for asked in (get("/a/x"), get("/nowhere"), get("/a/x", "Connection: close")):
            with gateway.raw() as client:
                assert client.ask(asked).all(b"connection") == [b"close"]
                assert client.is_closed()
        assert upstream.requests[-1].get(b"connection") == b"close"
        assert upstream.connections == before + 2, "also where the upstream would have kept it"


def test_pipelined_requests_are_answered_in_order(client: Wire) -> None:
    asked = b""
    for number in range(200):
        body = b"%d" % number * (number % 7)
        kinds = [
            get(f"/a/{number}"),
            request("POST", f"/a/{number}", body=body),
            request("PUT", f"/a/{number}", "Transfer-Encoding: chunked") + chunked(body + b"."),
            get(f"/m/mock?{number}"),
        ]
        asked += kinds[number % 4]
    client.send(asked)
    for number in range(200):
        answered = client.read_answer()
        if number % 4 == 3:
            assert answered.get(b"x-mock") == b"1"
        else:
            assert told(answered)["target"] == f"/{number}"
    assert still_works(client)


def test_requests_may_come_in_any_pieces(client: Wire) -> None:
    asked = b"\r\n" + request("POST", "/a/x", "Transfer-Encoding: chunked") + chunked(b"one", b"two")
    asked += get("/a/y")
    for at in range(len(asked)):
        client.send(asked[at : at + 1])
    assert told(client.read_answer())["body"] == "onetwo"
    assert told(client.read_answer())["target"] == "/y"


def test_a_half_closed_client_gets_all_its_answers(client: Wire) -> None:
    client.send(get("/a/1") + request("POST", "/a/2", body=b"two") + get("/a/3") + b"GET /a/4 HTTP/1.1\r\nHo")
    client.half_close()
    assert [told(client.read_answer())["target"] for _ in range(3)] == ["/1", "/2", "/3"]
    assert client.is_closed()


# -- bodies


def test_bodies_of_requests_keep_their_framing(client: Wire) -> None:
    fixed = told(client.ask(request("POST", "/a/x", body=b"hello")))
    assert fixed["body"] == "hello"
    assert fixed["headers"]["content-length"] == "5"  # type: ignore[index]
    client.send(request("POST", "/a/x", "Transfer-Encoding: chunked", "Trailer: X-Sum"))
    client.send(chunked(b"a" * 70000, b"b", trailers=b"X-Sum: 7\r\n"))
    found = told(client.read_answer())
    assert found["body"] == "a" * 70000 + "b"
    assert found["trailers"] == [["X-Sum", "7"]]
    assert found["headers"]["transfer-encoding"] == "chunked"  # type: ignore[index]
    assert "content-length" not in found["headers"]  # type: ignore[operator]
    assert told(client.ask(request("POST", "/a/x", body=b"")))["headers"]["content-length"] == "0"  # type: ignore[index]
    assert told(client.ask(request("POST", "/a/x", "Transfer-Encoding: chunked") + chunked()))["body"] == ""


def test_bodies_of_answers_keep_theirs(client: Wire) -> None:
    answered = client.ask(get("/a/chunked"))
    assert (answered.body, answered.get(b"content-length")) == (b"a" * 3000 + b"b" * 3000, None)
    answered = client.ask(get("/a/trailers"))
    assert (answered.body, answered.trailers) == (b"a" * 3000, [(b"X-Sum", b"7")])
    assert answered.get(b"trailer") == b"X-Sum"
    answered = client.ask(get("/a/until-close"))
    assert (answered.body, answered.get(b"transfer-encoding")) == (b"c" * 5000, b"chunked")
    assert still_works(client)


@pytest.mark.parametrize("path", ["/a/204", "/a/204-with-length", "/m/empty"])
def test_no_content_has_neither_body_nor_length(client: Wire, path: str) -> None:
    answered = client.ask(get(path))
    assert answered.status == 204
    assert answered.get(b"content-length") is answered.get(b"transfer-encoding") is None
    assert still_works(client)


def test_not_modified_may_say_what_the_length_would_be(client: Wire) -> None:
    answered = client.ask(get("/a/304"))
    assert (answered.status, answered.get(b"content-length"), answered.get(b"etag")) == (304, b"99", b'"e"')
    assert still_works(client)


def test_a_head_without_a_type_gets_one_with_its_body(client: Wire) -> None:
    """Also where the same head has answered HEAD before, on the same connection."""
    assert client.ask(request("HEAD", "/a/untyped")).get(b"content-type") is None
    for _ in range(2):
        answered = client.ask(get("/a/untyped"))
        assert (answered.get(b"content-type"), answered.body) == (b"text/plain; charset=utf-8", b"hello")


def test_not_modified_of_the_gateway_says_no_length(client: Wire) -> None:
    """0 would be a lie about the answer that the client has (RFC 9110 section 8.6)."""
    assert client.ask(get("/c/tagged")).body == b"tagged"
    for asked in (get("/c/tagged", 'If-None-Match: "e"'), get("/m/same")):
        answered = client.ask(asked)
        assert (answered.status, answered.get(b"content-length")) == (304, None)
        assert still_works(client)


@pytest.mark.parametrize("path", ["/a/chunked", "/a/length-of-head", "/m/mock", "/nowhere", "/t/chunked"])
def test_answers_to_head_have_no_body(client: Wire, path: str) -> None:
    assert client.ask(request("HEAD", path)).status in (200, 404)
    assert still_works(client)


@pytest.mark.parametrize(("method", "says"), [("POST", True), ("PUT", True), ("PATCH", True), ("GET", False)])
def test_no_body_is_said_where_one_could_be(client: Wire, method: str, says: bool) -> None:
    headers = told(client.ask(request(method, "/a/x")))["headers"]
    assert isinstance(headers, dict)
    assert headers.get("content-length") == ("0" if says else None)


def test_a_method_that_was_changed_does_not_change_the_framing(client: Wire) -> None:
    """GET that went out as HEAD has an answer without a body, and says so; HEAD that went out as GET has none."""
    answered = client.ask(get("/t/length-of-head"))
    assert (answered.status, answered.body) == (200, b"")
    assert still_works(client)


def test_interim_answers_are_swallowed(client: Wire) -> None:
    assert client.ask(get("/a/interim")).body == b"late"
    assert still_works(client)


# -- Expect


def test_the_gateway_asks_for_a_body_that_waits(client: Wire) -> None:
    client.send(request("POST", "/a/x", "Expect: 100-continue", "Content-Length: 5"))
    assert client.read_answer().status == 100
    client.send(b"hello")
    found = told(client.read_answer())
    assert found["body"] == "hello"
    assert found["headers"]["expect"] == "100-continue"  # type: ignore[index]
    assert still_works(client)


def test_it_does_not_ask_for_what_is_refused(client: Wire) -> None:
    client.send(request("POST", "/nowhere", "Expect: 100-continue", "Content-Length: 5"))
    answered = client.read_answer()
    assert (answered.status, answered.get(b"connection")) == (404, b"close")
    assert client.is_closed()


def test_it_does_not_ask_for_what_is_here(client: Wire) -> None:
    client.send(request("POST", "/a/x", "Expect: 100-continue", body=b"hello"))
    assert told(client.read_answer())["body"] == "hello"


# -- HTTP/1.0


def test_http_1_0_gets_no_chunks(gateway: Gateway) -> None:
    with gateway.raw() as client:
        answered = client.ask(b"GET /a/chunked HTTP/1.0\r\n\r\n")
        assert answered.start == b"HTTP/1.0 200 OK"
        assert (answered.body, answered.get(b"transfer-encoding")) == (b"a" * 3000 + b"b" * 3000, None)


def test_http_1_0_is_kept_when_it_asks(client: Wire) -> None:
    for _ in range(2):
        answered = client.ask(b"GET /a/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (answered.start, answered.get(b"connection")) == (b"HTTP/1.0 200 OK", b"keep-alive")
    assert client.ask(b"GET /a/x HTTP/1.0\r\n\r\n").get(b"connection") == b"close"
    assert client.is_closed()


# -- targets


def test_absolute_targets_name_the_host(client: Wire, upstream: Upstream) -> None:
    answered = client.ask(b"GET http://other.test/a/x?y=1 HTTP/1.1\r\nHost: ignored.test\r\n\r\n")
    assert told(answered)["target"] == "/x?y=1"


def test_asterisk_asks_about_the_gateway(client: Wire) -> None:
    answered = client.ask(b"OPTIONS * HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    assert (answered.status, answered.body) == (200, b"")
    assert client.ask(b"GET * HTTP/1.1\r\nHost: gateway.test\r\n\r\n").status == 400


def test_odd_methods_are_passed_on(client: Wire) -> None:
    for method in ("TRACE", "PURGE", "OPTIONS"):
        assert told(client.ask(request(method, "/a/x")))["method"] == method


def test_hop_by_hop_fields_end_here(client: Wire) -> None:
    found = told(
        client.ask(get("/a/x", "Connection: X-Mine, keep-alive", "X-Mine: 1", "Keep-Alive: 5", "Te: trailers"))
    )
    headers = found["headers"]
    assert not {"x-mine", "keep-alive"} & set(headers)  # type: ignore[call-overload]
    assert headers["te"] == "trailers"  # type: ignore[index]
