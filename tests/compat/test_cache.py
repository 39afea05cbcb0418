"""Stored responses: what a client sees of them, and how an administrator has them forgotten (contract 09.8, 04.11)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, api
from tests.upstreams import Upstream
from tests.wire import Message, get, request

CACHED = {"cache_options": {"enable_cache": True, "cache_all_safe_requests": True, "cache_timeout": 600}}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Gateway]:
    apis = [api(f"/{name}/", upstream.url, **CACHED) for name in ("one", "two")]
    with Gateway(tmp_path_factory.mktemp("cache"), apis=apis, workers=2) as running:
        yield running


def is_stored(answer: Message) -> bool:
    assert answer.status == 200, answer
    return answer.get(b"x-tyk-cached-response") == b"1"


def test_a_cleared_cache_is_empty_on_every_worker_and_others_are_not(gateway: Gateway) -> None:
    clients = [gateway.raw() for _ in range(8)]  # over both workers
    try:
        for client in clients:
            client.ask(get("/one/a"))
            client.ask(get("/two/a"))
        assert all(is_stored(client.ask(get(path))) for client in clients for path in ("/one/a", "/two/a"))
        assert gateway.admin("DELETE", "/tyk/cache/one") == (200, {"status": "ok", "message": "cache invalidated"})
        assert not is_stored(clients[0].ask(get("/one/a")))
        assert all(is_stored(client.ask(get("/two/a"))) for client in clients)
    finally:
        for client in clients:
            client.close()


def test_a_stored_answer_to_head_has_the_length_of_the_body(gateway: Gateway) -> None:
    said = [gateway.ask(request("HEAD", "/one/head")) for _ in range(4)]
    assert any(is_stored(one) for one in said)
    assert {one.get(b"content-length") for one in said} == {said[0].get(b"content-length")} != {b"0"}
