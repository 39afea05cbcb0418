"""Allow, block and ignore lists: which requests pass, as contract 06.2 and 06.3 have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, api, paths
from tests.upstreams import Upstream
from tests.wire import Message, request


def plain(path: str, **more: object) -> dict[str, object]:
    """An entry for all methods."""
    return {"path": path, "method_actions": {}, **more}


def acting(path: str, method: str, action: str = "no_action", **more: object) -> dict[str, object]:
    """An entry as it was written before there was a `method`."""
    return {"path": path, "method_actions": {method: {"action": action, "code": 200, **more}}}


LISTS: dict[str, dict[str, object]] = {
    "mocked": {
        "white_list": [
            acting("/reply/{id}", "GET", "reply", data="said here", headers={"X-Said": "yes"}),
            acting("/get", "GET"),
        ]
    },
    "ends": {"white_list": [plain("/foo/{id}$"), plain("/foo/{id}/bar/{id}$"), plain("/baz/{id}")]},
    "case": {"white_list": [plain("/Foo"), plain("/bar", ignore_case=True)]},
    "disabled": {"white_list": [plain("/a", disabled=True), plain("/b")]},
    "fenced": {"black_list": [plain("/blocked"), {"path": "/posts", "method": "POST"}]},
    "bl": {"black_list": [plain("/b")]},
    "rw": {"url_rewrites": [{"path": "/r", "method": "GET", "match_pattern": ".*", "rewrite_to": "/elsewhere"}]},
    "lower": {"black_list": [{"path": "/posts", "method": "post"}]},
    "both": {"white_list": [plain("/a")], "black_list": [plain("/a/secret")]},
    "ignored": {"ignored": [acting("/free", "GET"), plain("/open")]},
}

QUESTIONS = [
    ("mocked", "GET", "/reply/7", 200, b"said here"),
    ("mocked", "GET", "/get", 200, b'"target": "/get"'),
    ("mocked", "GET", "/", 403, b"Requested endpoint is forbidden"),
    ("mocked", "POST", "/post", 403, b"Requested endpoint is forbidden"),
    *(("ends", "GET", path, 403, b"forbidden") for path in ("/foo", "/foo/", "/foo/1/bar", "/foo/1/bar/", "/baz/")),
    *(("ends", "GET", path, 200, b"") for path in ("/foo/1", "/foo/1/bar/1", "/baz/1", "/baz/1/", "/baz/1/more")),
    *(("case", "GET", path, status, b"") for path, status in (("/foo", 403), ("/Foo", 200), ("/BAR", 200))),
    ("disabled", "GET", "/a", 403, b"forbidden"),
    ("disabled", "GET", "/b", 200, b""),
    ("fenced", "GET", "/blocked/more", 403, b"Requested endpoint is forbidden"),
    ("fenced", "GET", "/x%62locked", 200, b""),
    ("fenced", "GET", "/%62locked", 403, b"forbidden"),
    ("fenced", "GET", "/x?path=/blocked", 200, b""),
    ("fenced", "GET", "/posts", 200, b""),
    ("fenced", "POST", "/posts", 403, b"forbidden"),
    # The full path is looked at too, and it is searched: `/b` is in `/bl/…`.
    ("bl", "GET", "/other", 403, b"forbidden"),
    # Other middlewares do not look at the listen path.
    ("rw", "GET", "/other", 200, b'"target": "/other"'),
    ("rw", "GET", "/r", 200, b'"target": "/elsewhere"'),
    ("lower", "POST", "/posts", 200, b""),
    ("both", "GET", "/a", 200, b""),
    ("both", "GET", "/b", 403, b"forbidden"),
    ("ignored", "GET", "/free", 200, b""),
    ("ignored", "GET", "/open/more", 200, b""),
    ("ignored", "GET", "/shut", 401, b"Authorization field missing"),
]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Gateway]:
    apis = [
        api(f"/{name}", upstream.url, version_data=paths(**lists), use_keyless=name != "ignored")
        for name, lists in LISTS.items()
    ]
    with Gateway(tmp_path_factory.mktemp("lists"), apis=apis) as running:
        yield running


def ask(gateway: Gateway, method: str, path: str) -> Message:
    return gateway.ask(request(method, path, body=b"" if method == "POST" else None))


@pytest.mark.parametrize(("name", "method", "path", "status", "says"), QUESTIONS)
def test_lists(gateway: Gateway, name: str, method: str, path: str, status: int, says: bytes) -> None:
    answer = ask(gateway, method, f"/{name}{path}")
    assert (answer.status, says in answer.body) == (status, True), answer


def test_a_reply_of_a_list_has_its_headers(gateway: Gateway) -> None:
    assert ask(gateway, "GET", "/mocked/reply/1").get(b"x-said") == b"yes"
