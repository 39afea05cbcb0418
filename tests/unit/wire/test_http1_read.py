"""Heads are read as RFC 9112 has them, or refused."""

from __future__ import annotations

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sluicegate.errors import BadMessage
from sluicegate.wire.http1_read import RequestHead, escape_target, parse_request_head, parse_response_head


def request(*lines: bytes, start: bytes = b"GET /a HTTP/1.1", host: bool = True) -> RequestHead:
    fields = [b"Host: x.test", *lines] if host else list(lines)
    return parse_request_head(b"\r\n".join([start, *fields]))


def refused(*lines: bytes, start: bytes = b"GET /a HTTP/1.1", host: bool = True) -> tuple[int, str]:
    with pytest.raises(BadMessage) as caught:
        request(*lines, start=start, host=host)
    return caught.value.status, caught.value.reason


def test_a_request_says_what_it_wants() -> None:
    head = request(b"X-a: 1", b"x-lower_case:2 ", start=b"POST /a/b?c=d&e HTTP/1.1")
    assert (head.method, head.path, head.query, head.host) == (b"POST", b"/a/b", b"c=d&e", b"x.test")
    assert head.headers.render() == b"X-A: 1\r\nX-Lower_case: 2\r\n"
    assert head.keep_alive and not head.has_body


@pytest.mark.parametrize(
    ("start", "fields", "status"),
    [
        (b"GET  /a HTTP/1.1", [], 400),
        (b"GET /a", [], 400),
        (b"GET /a b HTTP/1.1", [], 400),
        (b"GET /a HTTP/1.1 ", [], 400),
        (b" GET /a HTTP/1.1", [], 400),
        (b"GET /%zz HTTP/1.1", [], 400),
        (b"GET /a#b HTTP/1.1", [], 400),
        (b"GET a HTTP/1.1", [], 400),
        (b"GET * HTTP/1.1", [], 400),
        (b"GET ftp://x/ HTTP/1.1", [], 400),
        (b"GET /a HTTP/2.0", [], 505),
        (b"PRI * HTTP/2.0", [], 505),
        (b"GET /a HTTP/1.1", [b"Host: y.test"], 400),
        (b"GET /a HTTP/1.1", [b"A : b"], 400),
        (b"GET /a HTTP/1.1", [b" folded"], 400),
        (b"GET /a HTTP/1.1", [b"A: b", b"\tfolded"], 400),
        (b"GET /a HTTP/1.1", [b"no colon"], 400),
        (b"GET /a HTTP/1.1", [b"A: b\nC: d"], 400),
        (b"GET /a HTTP/1.1", [b"A: b\rC: d"], 400),
        (b"GET /a HTTP/1.1", [b"A: \x00"], 400),
        (b"GET /a HTTP/1.1", [b": empty"], 400),
        (b"GET /a HTTP/1.1", [b"A\xc3\xa9: b"], 400),
        (b"POST /a HTTP/1.1", [b"Content-Length: +5"], 400),
        (b"POST /a HTTP/1.1", [b"Content-Length: 5, 5"], 400),
        (b"POST /a HTTP/1.1", [b"Content-Length: 0x5"], 400),
        (b"POST /a HTTP/1.1", [b"Content-Length:"], 400),
        (b"POST /a HTTP/1.1", [b"Content-Length: 5", b"Content-Length: 5"], 400),
        (b"POST /a HTTP/1.1", [b"Content-Length: 5", b"Content-Length: 6"], 400),
        (b"POST /a HTTP/1.1", [b"Content-Length: 5", b"Transfer-Encoding: chunked"], 400),
        (b"POST /a HTTP/1.1", [b"Transfer-Encoding: chunked", b"Content-Length: 5"], 400),
        (b"POST /a HTTP/1.1", [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"], 400),
        (b"POST /a HTTP/1.1", [b"Transfer-Encoding: gzip, chunked"], 501),
        (b"POST /a HTTP/1.1", [b"Transfer-Encoding: xchunked"], 501),
        (b"POST /a HTTP/1.1", [b"Transfer-Encoding: chunked, identity"], 501),
        (b"POST /a HTTP/1.0", [b"Transfer-Encoding: chunked"], 400),
    ],
)
def test_what_is_ambiguous_is_refused(start: bytes, fields: list[bytes], status: int) -> None:
    assert refused(*fields, start=start)[0] == status


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([], "missing required Host header"),
        ([b"Host: a b"], "malformed Host header"),
        ([b"Host:"], "malformed Host header"),
        ([b"Host:", b"Host: x.test"], "too many Host headers"),
    ],
)
def test_a_request_names_its_host(fields: list[bytes], reason: str) -> None:
    assert refused(*fields, host=False) == (400, reason)


@pytest.mark.parametrize("start", [b"GET / HTTP/1.0", b"GET http://y.test/ HTTP/1.1", b"OPTIONS * HTTP/1.1"])
@pytest.mark.parametrize("fields", [[b"Host:", b"Host: x.test"], [b"Host:", b"Host:"], [b"Host: a b"]])
def test_host_is_judged_also_where_it_does_not_count(start: bytes, fields: list[bytes]) -> None:
    assert refused(*fields, start=start, host=False)[0] == 400


def test_who_says_both_closes() -> None:
    for options in ((b"Connection: close", b"Connection: keep-alive"), (b"Connection: keep-alive, close",)):
        assert not request(*options).keep_alive
        assert not request(*options, start=b"GET / HTTP/1.0").keep_alive
        for version in (b"HTTP/1.0", b"HTTP/1.1"):
            assert not parse_response_head(b"\r\n".join([version + b" 200 OK", *options])).keep_alive
    assert parse_response_head(b"HTTP/1.0 200 OK\r\nConnection: x\r\nConnection: keep-alive").keep_alive


def test_http_1_0_needs_no_host_and_closes_unless_it_asks() -> None:
    assert not request(start=b"GET / HTTP/1.0", host=False).keep_alive
    assert request(b"Connection: Keep-Alive", start=b"GET / HTTP/1.0", host=False).keep_alive


def test_an_absolute_target_takes_the_place_of_host() -> None:
    head = request(start=b"GET http://y.test:81?q HTTP/1.1")
    assert (head.host, head.path, head.query) == (b"y.test:81", b"/", b"q")


def test_asterisk_is_for_options_alone() -> None:
    assert request(start=b"OPTIONS * HTTP/1.1").path == b"*"


def test_hop_by_hop_fields_end_here() -> None:
    head = request(
        b"Connection: close, X-Mine", b"X-Mine: 1", b"Keep-Alive: 5", b"Proxy-Connection: x", b"Te: trailers", b"X: 2"
    )
    assert head.headers.render() == b"X: 2\r\n"
    assert not head.keep_alive and head.te_trailers


def test_an_upgrade_counts_only_when_connection_names_it() -> None:
    assert request(b"Connection: Upgrade", b"Upgrade: websocket").upgrade == b"websocket"
    assert request(b"Upgrade: websocket").upgrade == b""
    assert request(b"Connection: Upgrade", b"Upgrade: websocket", start=b"GET / HTTP/1.0").upgrade == b""


def test_lengths() -> None:
    assert request(b"Content-Length: 12", start=b"POST / HTTP/1.1").content_length == 12
    chunked = request(b"Transfer-Encoding: Chunked", start=b"POST / HTTP/1.1")
    assert chunked.chunked and chunked.has_body and chunked.content_length is None


def test_bytes_beyond_ascii_are_escaped_on_the_way_out() -> None:
    assert escape_target("/é".encode()) == b"/%C3%A9"


@pytest.mark.parametrize(
    "block",
    [
        b"HTTP/1.1 20 OK",
        b"HTTP/2 200 OK",
        b"HTTP/1.1 200 OK\r\nA : b",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked",
        b"HTTP/1.1 200 OK\r\n folded: x",
        b"ICY 200 OK",
    ],
)
def test_answers_are_judged_as_strictly(block: bytes) -> None:
    with pytest.raises(BadMessage):
        parse_response_head(block)


def test_how_long_an_answer_is() -> None:
    head = parse_response_head(b"HTTP/1.1 200 Fine\r\nContent-Length: 7\r\nConnection: close")
    assert (head.status, head.body_length(b"GET"), head.body_length(b"HEAD"), head.keep_alive) == (200, 7, 0, False)
    assert parse_response_head(b"HTTP/1.1 304 x\r\nContent-Length: 7").body_length(b"GET") == 0
    assert parse_response_head(b"HTTP/1.1 200").body_length(b"GET") is None


@pytest.mark.parametrize("framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_a_body_where_none_can_be_spoils_the_connection(framing: bytes) -> None:
    assert not parse_response_head(b"HTTP/1.1 204 No Content\r\n" + framing).keep_alive
    assert parse_response_head(b"HTTP/1.1 304 Not Modified\r\n" + framing).keep_alive
    assert parse_response_head(b"HTTP/1.1 204 No Content\r\nContent-Length: 0").keep_alive


@given(st.binary(max_size=200))
@example(b"GET / HTTP/1.1\r\nHost: a\r\nA: \xff")
def test_any_bytes_are_a_head_or_refused(block: bytes) -> None:
    for parse in (parse_request_head, parse_response_head):
        try:
            parse(block)
        except BadMessage as error:
            assert 400 <= error.status <= 599


TOKENS = st.sampled_from([b"Content-Length", b"Transfer-Encoding", b"Host", b"X", b"Connection", b"x y", b"", b"A\x0b"])
VALUES = st.sampled_from(
    [b"0", b"5", b"+5", b"5,5", b"chunked", b"identity", b"a.test", b"close", b" x", b"a\nb", b"\x7f"]
)


@given(st.lists(st.tuples(TOKENS, st.sampled_from([b":", b" :", b": "]), VALUES), max_size=5))
def test_nothing_is_taken_that_a_second_strict_reader_refuses(lines: list[tuple[bytes, bytes, bytes]]) -> None:
    block = b"\r\n".join([b"POST / HTTP/1.1", *[name + colon + value for name, colon, value in lines]])
    try:
        head = parse_request_head(block)
    except BadMessage:
        return
    oracle = h11.Connection(h11.SERVER)
    oracle.receive_data(block + b"\r\n\r\n")
    event = oracle.next_event()
    assert isinstance(event, h11.Request)
    lengths = [value for name, value in event.headers if name == b"content-length"]
    assert [str(head.content_length).encode()] == lengths if head.has_length else not lengths
    assert head.chunked == ((b"transfer-encoding", b"chunked") in list(event.headers))
