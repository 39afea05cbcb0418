"""Reading the address of a target."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import ConfigError
from sluicegate.upstream.target import parse_target


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "host_header", "path", "query"),
    [
        ("http://a.test", "http", "a.test", 80, b"a.test", b"", b""),
        ("https://a.test:8443/base/?x=1&y", "https", "a.test", 8443, b"a.test:8443", b"/base/", b"x=1&y"),
        ("a.test:9000/p", "http", "a.test", 9000, b"a.test:9000", b"/p", b""),
        ("ws://a.test/chat", "http", "a.test", 80, b"a.test", b"/chat", b""),
        ("wss://a.test", "https", "a.test", 443, b"a.test", b"", b""),
        ("http://[::1]:81/", "http", "::1", 81, b"[::1]:81", b"/", b""),
        ("http://user:secret@a.test/", "http", "a.test", 80, b"a.test", b"/", b""),
        ("http://a.test/a%2Fb/ü", "http", "a.test", 80, b"a.test", b"/a%2Fb/%C3%BC", b""),
        ("http://bücher.test", "http", "xn--bcher-kva.test", 80, b"xn--bcher-kva.test", b"", b""),
        (" http://a.test ", "http", "a.test", 80, b"a.test", b"", b""),
    ],
)
def test_reads(text: str, scheme: str, host: str, port: int, host_header: bytes, path: bytes, query: bytes) -> None:
    target = parse_target(text)
    assert (target.scheme, target.host, target.port) == (scheme, host, port)
    assert (target.host_header, target.path_prefix, target.query) == (host_header, path, query)


def test_an_address_without_scheme_gets_that_of_the_api() -> None:
    assert parse_target("a.test", "https").port == 443
    assert parse_target("a.test", "").port == 80


def test_names_itself() -> None:
    assert parse_target("http://[::1]:81/").key == "[::1]:81"
    assert parse_target("a.test").key == "a.test:80"
    assert parse_target("https://a.test/x?y").url == "https://a.test/x?y"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no host"),
        ("http://", "names no host"),
        ("http://:80", "names no host"),
        ("ftp://a.test", "scheme 'ftp'"),
        ("h2c://a.test", "not served by this version"),
        ("tcp://a.test:1", "not served by this version"),
        ("tyk://other-api/x", "another API can be the `target_url`"),
        ("http://a.test:-1", "not an URL"),
        ("http://a.test:x", "not an URL"),
        ("http://a.test/a b", "control characters"),
        ("http://a.test\r\nX: y", "control characters"),
        ("http://[::1", "not an URL"),
    ],
)
def test_refuses(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        parse_target(text, where="proxy.target_url")
    assert caught.value.where == "proxy.target_url"


def test_a_port_that_cannot_be_is_one_where_nobody_listens() -> None:
    target = parse_target("http://a.test:66666")
    assert (target.port, target.host_header) == (0, b"a.test:66666")


@given(st.text())
def test_any_text_is_a_target_or_refused(text: str) -> None:
    try:
        target = parse_target(text)
    except ConfigError:
        return
    for part in (target.host_header, target.path_prefix, target.query):
        assert not any(one <= 32 or one >= 127 for one in part)
