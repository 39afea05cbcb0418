"""What is not HTTP, or could be read in two ways, is refused: 400 (or what says it better), and the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, api
from tests.upstreams import Upstream, answer
from tests.wire import ClosedError, Wire, get, request

START = b"GET /a/x HTTP/1.1\r\nHost: a.test\r\n"
POST = b"POST /a/x HTTP/1.1\r\nHost: a.test\r\n"

BAD_REQUESTS = {
    "length and chunked": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "the same length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a length with a sign": POST + b"Content-Length: +5\r\n\r\nhello",
    "a hexadecimal length": POST + b"Content-Length: 0x5\r\n\r\nhello",
    "an enormous length": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST /a/x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded line": START + b"X-A: 1\r\n 2\r\n\r\n",
    "a folded first line": b"GET /a/x HTTP/1.1\r\n Host: a.test\r\n\r\n",
    "a blank before the colon": START + b"X-A : 1\r\n\r\n",
    "a blank before the colon of a length": POST + b"Content-Length : 5\r\n\r\nhello",
    "a line without a colon": START + b"X-A\r\n\r\n",
    "an empty name": START + b": 1\r\n\r\n",
    "a NUL in a value": START + b"X-A: 1\x002\r\n\r\n",
    "a NUL in a name": START + b"X-\x00A: 1\r\n\r\n",
    "a NUL in the target": b"GET /a/\x00 HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a bare CR in a value": START + b"X-A: 1\r2\r\n\r\n",
    "a bare LF in a value": START + b"X-A: 1\nX-B: 2\r\n\r\n",
    "bare LFs": b"GET /a/x HTTP/1.1\nHost: a.test\n\n",
    "one bare LF at the end": START + b"\n",
    "a bare LF before the empty line": b"GET /a/x HTTP/1.1\r\nHost: a.test\n\r\n",
    "two blanks in the request line": b"GET  /a/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a blank at the end of it": b"GET /a/x HTTP/1.1 \r\nHost: a.test\r\n\r\n",
    "a blank in the target": b"GET /a/x y HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "no version": b"GET /a/x\r\nHost: a.test\r\n\r\n",
    "a broken escape": b"GET /a/%zz HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a fragment": b"GET /a/x#y HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a target without a slash": b"GET a/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "another scheme": b"GET ftp://a.test/a/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "no Host": b"GET /a/x HTTP/1.1\r\n\r\n",
    "two Hosts": START + b"Host: a.test\r\n\r\n",
    "a Host with a blank": b"GET /a/x HTTP/1.1\r\nHost: a test\r\n\r\n",
    "a Host with a slash": b"GET /a/x HTTP/1.1\r\nHost: a.test/b\r\n\r\n",
    "a Host with a user": b"GET /a/x HTTP/1.1\r\nHost: u@a.test\r\n\r\n",
    "two empty lines first": b"\r\n\r\nGET /a/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "no method": b" /a/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}
"""None of them may reach the upstream."""

CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

BAD_BODIES = {
    "a chunk size that is none": b"x\r\nhello\r\n0\r\n\r\n",
    "a negative chunk size": b"-5\r\nhello\r\n0\r\n\r\n",
    "a chunk size with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "an empty chunk size": b"\r\nhello\r\n0\r\n\r\n",
    "an enormous chunk size": b"ffffffffffffffff0\r\nhello",
    "a chunk that is longer than its size": b"3\r\nhello\r\n0\r\n\r\n",
    "a bare LF behind a chunk size": b"5\nhello\r\n0\r\n\r\n",
    "a bare LF behind a chunk": b"5\r\nhello\n0\r\n\r\n",
    "a NUL in a chunk extension": b"5;a=\x00\r\nhello\r\n0\r\n\r\n",
    "an endless chunk extension": b"5;" + b"a" * 10000,
    "a trailer that is none": b"0\r\nX-A\r\n\r\n",
    "endless trailers": b"0\r\n" + b"X-A: 1\r\n" * 1000 + b"\r\n",
}

OTHERS = {
    "another coding": (501, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "chunked not last": (501, POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\n"),
    "HTTP/1.2": (505, b"GET /a/x HTTP/1.2\r\nHost: a.test\r\n\r\n"),
}


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("gateway"), apis=[api("/a/", upstream.url)]) as one:
        yield one
        assert one.ask(get("/a/end")).status == 200


def refused(gateway: Gateway, data: bytes) -> int:
    """Send something with a request behind it; return the status of the one answer that comes before the end."""
    with gateway.raw() as client:
        client.send(data + get("/a/smuggled"))
        answered = client.read_answer()
        assert answered.get(b"connection") == b"close"
        assert client.is_closed()
        return answered.status


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_bad_requests(gateway: Gateway, upstream: Upstream, name: str) -> None:
    before = len(upstream.requests)
    assert refused(gateway, BAD_REQUESTS[name]) == 400
    assert len(upstream.requests) == before


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_bodies(gateway: Gateway, upstream: Upstream, name: str) -> None:
    before = len(upstream.requests)
    assert refused(gateway, CHUNKED + BAD_BODIES[name]) == 400
    assert len(upstream.requests) == before


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_served(gateway: Gateway, name: str) -> None:
    status, data = OTHERS[name]
    assert refused(gateway, data) == status


def test_a_body_that_goes_wrong_late_is_refused_as_well(gateway: Gateway) -> None:
    with gateway.raw() as client:
        client.send(CHUNKED + b"5\r\nhello\r\n")
        client.send(b"nonsense\r\n")
        assert client.read_answer().status == 400
        assert client.is_closed()


def test_each_refusal_is_answered_though_more_is_coming(gateway: Gateway) -> None:
    """Bytes that nobody reads would make the kernel reset the connection, and the answer would be lost."""
    with gateway.raw() as client:
        client.send(b"GET / HTTP/1.1\r\nX-A : 1\r\n\r\n" + b"z" * 3_000_000)
        assert client.read_answer().status == 400


def test_requests_before_a_bad_one_are_answered(gateway: Gateway) -> None:
    with gateway.raw() as client:
        client.send(get("/a/1") + get("/a/2") + b"GET /a/3\r\n\r\n")
        assert [client.read_answer().status for _ in range(3)] == [200, 200, 400]
        assert client.is_closed()


# -- answers are judged as strictly

BAD_ANSWERS = {
    "not HTTP": b"SSH-2.0-x\r\n",
    "another protocol": b"ICY 200 OK\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "a status that is none": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2": b"HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a bad length": b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
    "another coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "a folded line": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
    "a NUL": b"HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 0\r\n\r\n",
    "a bare LF": b"HTTP/1.1 200 OK\r\nX-A: 1\nX-B: 2\r\nContent-Length: 0\r\n\r\n",
    "bare LFs": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a bad first chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 200_000,
    "endless fields": b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 1000 + b"\r\n",
    "endless interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
    "a change of protocol that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
}


class Scripted:
    """An upstream that answers with whatever a test puts here, then waits, or closes."""

    data = b""
    closes = False
    last: Wire

    def __call__(self, wire: Wire, upstream: Upstream) -> None:
        while True:
            upstream.take(wire)
            self.last = wire
            wire.send(self.data)
            if self.closes:
                return


@pytest.fixture(scope="module")
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture(scope="module")
def liar(scripted: Scripted) -> Iterator[Upstream]:
    with Upstream(scripted) as one:
        yield one


@pytest.fixture(scope="module")
def before_liar(liar: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("gateway"), apis=[api("/a/", liar.url)]) as one:
        yield one


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_bad_answers(before_liar: Gateway, scripted: Scripted, name: str) -> None:
    scripted.data, scripted.closes = BAD_ANSWERS[name], name in ("nothing", "half a head")
    with before_liar.raw() as client:
        answered = client.ask(get("/a/x"))
        assert (answered.status, b"There was a problem proxying the request" in answered.body) == (500, True)
        scripted.data, scripted.closes = answer(b"fine"), False
        assert client.ask(get("/a/x")).body == b"fine"


CUT_ANSWERS = {
    "a short body": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
    "chunks without an end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
}


@pytest.mark.parametrize("name", CUT_ANSWERS)
def test_an_answer_that_ends_early_is_not_taken_for_whole(before_liar: Gateway, scripted: Scripted, name: str) -> None:
    scripted.data, scripted.closes = CUT_ANSWERS[name], True
    with before_liar.raw() as client, pytest.raises(ClosedError):
        client.ask(get("/a/x"))
    scripted.data, scripted.closes = answer(b"fine"), False


def test_a_bad_chunk_later_on_cuts_the_answer(before_liar: Gateway, scripted: Scripted) -> None:
    scripted.data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    with before_liar.raw() as client:
        client.send(get("/a/x"))
        client.read_head()
        assert client.read_chunk() == b"hello"
        scripted.last.send(b"nonsense\r\n")
        assert client.is_closed()
    scripted.data = answer(b"fine")


@pytest.mark.parametrize("extra", [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"x"])
@pytest.mark.parametrize(
    "head", [b"Content-Length: 2\r\n\r\nok", b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"]
)
def test_what_stands_behind_an_answer_is_nobodys(
    before_liar: Gateway, scripted: Scripted, liar: Upstream, head: bytes, extra: bytes
) -> None:
    scripted.data = b"HTTP/1.1 200 OK\r\n" + head + extra
    with before_liar.raw() as client:
        assert client.ask(get("/a/x")).body == b"ok"
        scripted.data, connections = answer(b"fine"), liar.connections
        assert client.ask(get("/a/x")).body == b"fine"
        assert liar.connections == connections + 1


def test_h2c_is_never_asked_for(gateway: Gateway, upstream: Upstream) -> None:
    """Behind an upgrade to HTTP/2 requests would pass the gateway unseen."""
    upgrade = get("/a/h2c", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
    assert gateway.ask(upgrade).status == 200
    asked = next(one for one in upstream.requests if one.target == b"/h2c")
    assert asked.get(b"upgrade") is asked.get(b"http2-settings") is None


def test_many_connection_options_cost_little(gateway: Gateway) -> None:
    options = "Connection: " + ",".join(f"x{number}" for number in range(8000))
    fields = [f"X-{number}: 1" for number in range(150)]
    assert gateway.ask(request("GET", "/a/x", options, *fields)).status == 200
