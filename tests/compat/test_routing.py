"""Which API takes a request, and what its upstream gets to see of the path (contract 02.0, 06.1, 06.8)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, api
from tests.upstreams import Upstream
from tests.wire import get


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Gateway]:
    apis = [
        api("/", f"{upstream.url}/root"),
        api("/apple", f"{upstream.url}/apple"),
        api("/apple/bottom", f"{upstream.url}/bottom"),
        api("/bob/{name:.*}", f"{upstream.url}/bob", proxy={"strip_listen_path": False}),
        api("/strict-id", f"{upstream.url}/by-id", api_id="anid"),
        api("/domain", f"{upstream.url}/short", api_id="short", domain="{any:one.test}"),
        api("/domain-long", f"{upstream.url}/long", api_id="long", domain="{any:one.test|two.test}"),
        api("/domain", f"{upstream.url}/nobodys", api_id="nobodys"),
        api("/twice/", f"{upstream.url}/first", api_id="first"),
        api("/twice/", f"{upstream.url}/second", api_id="second"),
        api("/nowhere/", "http://localhost:66666"),
        api("/query/", f"{upstream.url}/q?a=1"),
    ]
    conf = {"http_server_options": {"enable_strict_routes": True}, "enable_custom_domains": True}
    with Gateway(tmp_path_factory.mktemp("routing"), apis=apis, conf=conf) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/app", "/root/app"),
        ("/apple", "/apple"),
        ("/apple/x", "/apple/x"),
        ("/apple/bottom/jeans", "/bottom/jeans"),
        ("/bob/by", "/bob/bob/by"),
        ("/anid/x", "/by-id/anid/x"),
        ("/domain/x", "/nobodys/x"),
        ("/twice/-first/x", "/first/x"),
        ("/twice/-second", "/second"),
        ("/query/x?b=2", "/q/x?a=1&b=2"),
        ("/query/", "/q?a=1"),
        # As Go writes paths: one without escapes gets those that Go would write; any other stays as it came.
        ("/apple/(a,b)", "/apple/%28a,b%29"),
        ("/apple/(a)%20b", "/apple/(a)%20b"),
        ("/apple/a%2Fb", "/apple/a%2Fb"),
        ("/apple/it's!*", "/apple/it%27s%21%2A"),
        ("/apple/a+b;c=d&e@f:g$~", "/apple/a+b;c=d&e@f:g$~"),
    ],
)
def test_the_upstream_gets(gateway: Gateway, path: str, target: str) -> None:
    answer = gateway.ask(get(path))
    assert answer.status == 200
    assert json.loads(answer.body)["target"] == target


@pytest.mark.parametrize("path", ["/applebottom", "/apple-bottom", "/apple/bottom-jeans", "/strict-idx"])
def test_a_strict_listen_path_keeps_what_begins_like_it_from_all_others(gateway: Gateway, path: str) -> None:
    answer = gateway.ask(get(path))
    assert (answer.status, answer.body) == (404, b"Not Found")


@pytest.mark.parametrize(
    ("host", "path", "target"),
    [
        ("one.test", "/domain/x", "/short/x"),
        ("one.test:80", "/domain-long/x", "/long/x"),
        ("two.test", "/domain-long/x", "/long/x"),
        ("two.test", "/domain/x", "/nobodys/x"),
        ("ONE.test", "/domain/x", "/nobodys/x"),
    ],
)
def test_the_longest_listen_path_of_all_domains_that_match(gateway: Gateway, host: str, path: str, target: str) -> None:
    assert json.loads(gateway.ask(get(path, host=host)).body)["target"] == target


@pytest.mark.parametrize(("path", "clean"), [("/apple//x", "/apple/x"), ("/apple/./x/../y?q", "/apple/y?q")])
def test_paths_are_cleaned(gateway: Gateway, path: str, clean: str) -> None:
    answer = gateway.ask(get(path))
    assert (answer.status, answer.get(b"location"), answer.body) == (301, clean.encode(), b"")


def test_a_target_that_cannot_be_reached_is_found_out_by_the_request(gateway: Gateway) -> None:
    answer = gateway.ask(get("/nowhere/x", "Content-Type: text/xml"))
    assert (answer.status, answer.get(b"content-type")) == (500, b"text/xml")
    assert b"<error>There was a problem proxying the request</error>" in answer.body
