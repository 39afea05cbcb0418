"""What X-RateLimit-* tell, of the rate or of the quota, and when they are not there (contract 07.11)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gateway import KEYED, SESSION, Gateway, api, paths
from tests.upstreams import Upstream, answer, answering
from tests.wire import Message, get

THEIRS = answer(b"{}", b"X-RateLimit-Limit: 77", b"X-RateLimit-Remaining: 76", b"Content-Type: application/json")
LIMITED = {"rate": 2, "per": 100, "quota_max": 50, "quota_renewal_rate": 100}


@pytest.fixture(scope="module")
def chatty() -> Iterator[Upstream]:
    """An upstream that tells of limits of its own."""
    with Upstream(answering(THEIRS)) as server:
        yield server


def gateway_with(folder: Path, source: str, upstream: Upstream) -> Gateway:
    rewrite = {"path": "/again", "match_pattern": "/again", "method": "GET", "rewrite_to": "tyk://self/x"}
    looping = paths(url_rewrites=[rewrite])
    apis = [api("/a/", upstream.url, **KEYED, version_data=looping), api("/open/", upstream.url)]
    apis.append(api("/limited/", upstream.url, global_rate_limit={"rate": 9, "per": 100}))
    return Gateway(folder, apis=apis, conf={"rate_limit_response_headers": source})


def told(said: Message) -> tuple[bytes | None, bytes | None]:
    return said.get(b"x-ratelimit-limit"), said.get(b"x-ratelimit-remaining")


def made(gateway: Gateway, **session: object) -> str:
    return f"Authorization: {gateway.admin('POST', '/tyk/keys/create', {**SESSION, **session})[1]['key']}"


def test_of_the_quota(tmp_path: Path, chatty: Upstream) -> None:
    with gateway_with(tmp_path, "quotas", chatty) as gateway:
        key = made(gateway, **LIMITED)
        assert [told(gateway.ask(get(path, key))) for path in ("/a/", "/a/again")] == [(b"50", b"49"), (b"50", b"48")]
        assert told(gateway.ask(get("/a/", key))) == (None, None), "refused"
        assert told(gateway.ask(get("/a/", made(gateway)))) == (b"-1", b"0")
        assert told(gateway.ask(get("/open/"))) == (b"0", b"0")
        assert told(gateway.ask(get("/limited/"))) == (b"0", b"0")


def test_of_the_rate(tmp_path: Path, chatty: Upstream) -> None:
    with gateway_with(tmp_path, "rate_limits", chatty) as gateway:
        key = made(gateway, **LIMITED)
        assert [told(gateway.ask(get("/a/", key))) for _ in range(2)] == [(b"2", b"1"), (b"2", b"0")]
        assert told(gateway.ask(get("/a/", key))) == (b"2", b"0"), "refused"
        assert told(gateway.ask(get("/limited/"))) == (b"9", b"8")
        assert told(gateway.ask(get("/a/", made(gateway)))) == (None, None), "nothing limits it, and theirs is not ours"
        assert told(gateway.ask(get("/open/"))) == (None, None)
