from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from sluicegate.wire.url import port_of


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://a.test", None),
        ("http://a.test:", None),
        ("http://a.test:80/x:9", 80),
        ("http://[::1]:81", 81),
        ("http://[::1]", None),
        ("http://user:word@a.test", None),
        ("http://a.test:66666", 66666),
    ],
)
def test_reads_the_port_as_written(url: str, port: int | None) -> None:
    assert port_of(urlsplit(url)) == port


@pytest.mark.parametrize("url", ["http://a.test:x", "http://a.test:-1", "http://a.test:1234567890"])
def test_refuses_what_is_no_number(url: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        port_of(urlsplit(url))
