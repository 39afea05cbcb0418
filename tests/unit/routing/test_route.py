"""Paths as a route sees them: without listen path, without version."""

from __future__ import annotations

import pytest
from tests.fakes.routes import listening_at, make_route


@pytest.mark.parametrize(
    ("listen_path", "path", "stripped"),
    [
        ("/a/", b"/a/x", b"/x"),
        ("/a", b"/a", b"/"),
        ("/a", b"/ab", b"/b"),
        ("/a/", b"/a/b%2Fc", b"/b%2Fc"),
        ("/a/", b"/%61/b%2Fc", b"/b/c"),
        ("/a b/", b"/a%20b/c%20d", b"/c%20d"),
        ("/a/", b"/other/x%20y", b"/other/x%20y"),
        ("/t/{one}/", b"/t/1/x", b"/x"),
        ("/t/{one:[0-9]{2}}/", b"/t/12/x", b"/x"),
    ],
)
def test_without_the_listen_path(listen_path: str, path: bytes, stripped: bytes) -> None:
    assert make_route(listening_at(listen_path, "one")).stripped(path) == stripped


def test_where_it_is_served_may_differ_from_what_is_written() -> None:
    route = make_route(listening_at("/a/", "one"), listen_path="/a/-one")
    assert route.served_api.classic.proxy.listen_path == "/a/-one"
    assert route.api.classic.proxy.listen_path == "/a/"


def test_a_target_in_this_node() -> None:
    route = make_route(listening_at("/a/", "one", proxy={"target_url": "tyk://two/base"}))
    assert (route.loops_to, route.upstream) == ("tyk://two/base", None)
