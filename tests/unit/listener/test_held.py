"""Answers of upstreams that do not say of what type they are: they leave with the first of their body."""

from __future__ import annotations

import pytest
from tests.unit.listener.test_connection import Bench

from sluicegate.errors import UpstreamError, UpstreamFault
from sluicegate.upstream.peer import Peer
from sluicegate.wire.headers import field_of
from sluicegate.wire.http1_read import parse_response_head

HTML = b"<html></html>"
CHUNKED = b"Transfer-Encoding: chunked"


async def begun(*fields: bytes) -> Bench:
    """Return a client that waits for an answer of which the head has come."""
    bench = Bench()
    await bench.say(b"GET /wait HTTP/1.1\r\nHost: a.test\r\n\r\n")
    head = parse_response_head(b"\r\n".join((b"HTTP/1.1 200 OK", *fields)))
    bench.connection.on_response(Peer(None), head, b"", False)  # type: ignore[arg-type]
    return bench


@pytest.mark.parametrize("framing", [b"Content-Length: 13", CHUNKED, b"Connection: close"])
async def test_the_first_of_the_body_tells_the_type(framing: bytes) -> None:
    bench = await begun(framing)
    assert not bench.transport.written
    bench.connection.on_response_body(HTML[:6], False)
    assert b"\r\nContent-Type: text/html; charset=utf-8\r\n" in bench.transport.written
    bench.connection.on_response_body(HTML[6:], True)
    head, _, body = bench.transport.written.partition(b"\r\n\r\n")
    assert body == (HTML if b"Length" in framing else b"6\r\n<html>\r\n7\r\n</html>\r\n0\r\n\r\n")
    assert head.count(b"Content-Length" if b"Length" in framing else b"Transfer-Encoding") == 1
    assert bench.serve.finished_ones


@pytest.mark.parametrize("said", [b"Content-Type: text/plain", b"Content-Encoding: gzip"])
async def test_one_that_says_it_is_not_waited_for(said: bytes) -> None:
    assert (await begun(said, CHUNKED)).transport.written.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_one_that_has_no_body_after_all() -> None:
    bench = await begun(CHUNKED)
    bench.connection.on_response_body(b"", True, [])
    assert bench.transport.written.endswith(b"\r\nContent-Length: 0\r\n\r\n")


async def test_trailers_without_a_body_are_passed_on() -> None:
    bench = await begun(CHUNKED, b"Trailer: X-Sum")
    bench.connection.on_response_body(b"", True, [field_of(b"X-Sum: 7")])
    assert bench.transport.written.endswith(b"\r\n\r\n0\r\nX-Sum: 7\r\n\r\n")


async def test_one_that_ends_before_it_has_begun_is_an_error() -> None:
    bench = await begun(b"Content-Length: 13")
    rejected = []
    bench.connection.reject = lambda exchange, rejection: rejected.append(rejection)  # type: ignore[method-assign]
    bench.connection.on_upstream_error(UpstreamError(UpstreamFault.RESET, "gone"))
    assert [one.status for one in rejected] == [500]
