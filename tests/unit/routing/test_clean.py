"""Unclean paths, and names that loops can use."""

from __future__ import annotations

import pytest

from sluicegate.routing.clean import clean_location, loop_name
from sluicegate.wire.http1_read import RequestHead


@pytest.mark.parametrize(
    ("target", "location"),
    [
        (b"/a/b", None),
        (b"/a/b.c", None),
        (b"/a/.hidden", None),
        (b"/a/...", None),
        (b"/a%2Fb", None),
        (b"/a?x=//", None),
        (b"//a", b"/a"),
        (b"/a//b?x=1", b"/a/b?x=1"),
        (b"/a/./b/", b"/a/b/"),
        (b"/a/../b", b"/b"),
        (b"/a/%2e%2E/b", b"/b"),
        (b"/../../b", b"/b"),
        (b"/a/..", b"/"),
        (b"/\xc3\xa4//b", b"/%C3%A4/b"),
    ],
)
def test_where_an_unclean_path_should_go(target: bytes, location: bytes | None) -> None:
    assert clean_location(RequestHead(b"GET", target, 11)) == location


def test_names_of_loops() -> None:
    assert loop_name("My API (v2) #tag #other") == "my-api--v2-"
