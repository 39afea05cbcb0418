"""Limits are exact: a hundred allowed is a hundred admitted, however many workers, clients and connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.gateway import KEYED, Gateway, api
from tests.servers import running_redis
from tests.upstreams import Upstream
from tests.wire import get

ALLOWED = 100
CLIENTS, REQUESTS = 16, 12
UNLIMITED = {"rate": -1, "per": -1, "quota_max": -1}
LONG_S = 3600


@pytest.fixture(scope="module", params=["embedded", "redis"])
def gateway(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, upstream: Upstream
) -> Iterator[Gateway]:
    """A node of four workers; `/limited/` has a rate of its own."""
    folder = tmp_path_factory.mktemp("node")
    limit = {"global_rate_limit": {"rate": ALLOWED, "per": LONG_S}}
    apis = [api("/a/", upstream.url, **KEYED), api("/limited/", upstream.url, **limit)]
    with ExitStack() as stack:
        conf = {}
        if request.param == "redis":
            server = stack.enter_context(running_redis(tmp_path_factory.mktemp("redis")))
            conf = {"storage": {"type": "redis", "host": "127.0.0.1", "port": server.port}}
        yield stack.enter_context(Gateway(folder, apis=apis, conf=conf, workers=4))


def key_with(gateway: Gateway, **limits: Any) -> str:
    """Return the header of a new key with these limits."""
    session = {"org_id": "org", "access_rights": {"a": {"api_id": "a", "versions": ["Default"]}}}
    status, made = gateway.admin("POST", "/tyk/keys/create", {**session, **UNLIMITED, **limits})
    assert status == 200, made
    return f"Authorization: {made['key']}"


def rush(gateway: Gateway, *fields: str, path: str = "/a/x") -> Counter[int]:
    """Ask from many clients at once, each on two connections in turn; return how often each status came."""

    def ask(_: int) -> list[int]:
        with gateway.raw() as one, gateway.raw() as other:
            clients = (one, other)
            return [clients[turn % 2].ask(get(path, *fields)).status for turn in range(REQUESTS)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        return Counter(status for answers in pool.map(ask, range(CLIENTS)) for status in answers)


LIMITED = {200: ALLOWED, 429: CLIENTS * REQUESTS - ALLOWED}


def test_the_rate_of_a_key(gateway: Gateway) -> None:
    key = key_with(gateway, rate=ALLOWED, per=LONG_S)
    assert rush(gateway, key) == LIMITED
    assert rush(gateway, key_with(gateway, rate=ALLOWED, per=LONG_S)) == LIMITED, "each key has a rate of its own"


def test_the_quota_of_a_key(gateway: Gateway) -> None:
    key = key_with(gateway, quota_max=ALLOWED, quota_renewal_rate=LONG_S)
    assert rush(gateway, key) == {200: ALLOWED, 403: CLIENTS * REQUESTS - ALLOWED}


def test_the_rate_of_an_api(gateway: Gateway) -> None:
    assert rush(gateway, path="/limited/x") == LIMITED


def test_a_limit_holds_over_reloads_and_the_death_of_workers(tmp_path: Path, upstream: Upstream) -> None:
    limit = {"global_rate_limit": {"rate": ALLOWED, "per": LONG_S}}
    with Gateway(tmp_path, apis=[api("/a/", upstream.url, **limit)], workers=2) as gateway:
        admitted = sum(gateway.ask(get("/a/x")).status == 200 for _ in range(30))
        gateway.write_api(api("/b/", upstream.url))
        gateway.reload()
        admitted += sum(gateway.ask(get("/a/x")).status == 200 for _ in range(30))
        gateway.kill()
        gateway.start()
        admitted += rush(gateway)[200]
        assert admitted == ALLOWED


@pytest.mark.parametrize("changed", [{"global_rate_limit": {"rate": 70, "per": LONG_S}}, {"name": "other"}])
def test_a_changed_definition_begins_anew(tmp_path: Path, upstream: Upstream, changed: dict[str, Any]) -> None:
    limit = {"global_rate_limit": {"rate": ALLOWED, "per": LONG_S}}
    with Gateway(tmp_path, apis=[api("/a/", upstream.url, **limit)], workers=2) as gateway:
        assert rush(gateway) == LIMITED
        gateway.write_api(api("/a/", upstream.url, **{**limit, **changed}), "0000-a.json")
        gateway.reload()
        assert rush(gateway)[200] == {**limit, **changed}["global_rate_limit"]["rate"]
