"""Where clients may be sent: RFC 6749 section 3.1.2."""

from __future__ import annotations

import pytest

from sluicegate.middleware.answers.oauth_redirects import first_of, is_allowed, with_fragment, with_query


@pytest.mark.parametrize(
    ("registered", "wanted"),
    [
        ("http://a.test", "http://a.test"),
        ("http://a.test/back", "http://a.test/back?x=y"),
        ("http://a.test/back", "http://a.test/back/below"),
        ("http://a.test/", "http://a.test/anything"),
        ("app://callback", "app://callback"),
        ("http://a.test;http://b.test:8080/x", "http://b.test:8080/x"),
    ],
)
def test_allowed(registered: str, wanted: str) -> None:
    assert is_allowed(registered, wanted, ";")


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "http://a.test",
        "https://a.test/back",
        "http://a.test:81/back",
        "http://a.test.evil.test/back",
        "http://a.test@evil.test/back",
        "http://me@a.test/back",
        "http://a.test/backwards",
        "http://a.test/back/../else",
        "http://a.test/back/%2e%2E/else",
        "http://a.test/back#fragment",
        "http://evil.test\\@a.test/back",
        "http://a.test/back\r\nX: y",
        "//a.test/back",
        "http://[",
        "http://a.test:99999/back",
    ],
)
def test_not_allowed(wanted: str) -> None:
    assert not is_allowed("http://a.test/back", wanted, "")


def test_without_a_separator_there_is_one_address() -> None:
    assert not is_allowed("http://a.test;http://b.test", "http://b.test", "")
    assert first_of("http://a.test;http://b.test", "") == "http://a.test;http://b.test"
    assert first_of("http://a.test;http://b.test", ";") == "http://a.test"
    assert not is_allowed("", "http://a.test", ";")


def test_what_is_said_goes_into_the_address() -> None:
    assert with_query("http://a.test/x?b=1#f", {"code": "c d", "a": 2}) == "http://a.test/x?a=2&b=1&code=c+d"
    assert with_fragment("http://a.test/x?b=1", {"t": "e==", "n": 3600, "s": "&#+"}) == (
        "http://a.test/x#n=3600&s=%26%23%2B&t=e=="
    )
