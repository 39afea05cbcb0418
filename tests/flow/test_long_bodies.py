"""Bodies that are longer than what a step of the chain looks at, and do not say so beforehand: they go on, unseen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.gateway import Gateway, api, paths
from tests.upstreams import Upstream, answer
from tests.wire import Wire, chunked, request

LENGTH = (10 << 20) + 1
CACHED = {"enable_cache": True, "cache_timeout": 60}


def counts(wire: Wire, upstream: Upstream) -> None:
    while True:
        wire.send(answer(b"%d" % len(upstream.take(wire).body)))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    stored = paths(advance_cache_config=[{"path": "/x", "method": "POST"}])
    with Upstream(counts) as upstream:
        apis = [
            api("/form/", upstream.url, enable_context_vars=True),
            api("/stored/", upstream.url, cache_options=CACHED, version_data=stored),
        ]
        with Gateway(tmp_path_factory.mktemp("gateway"), apis=apis) as one:
            yield one


@pytest.mark.parametrize("path", ["/form/x", "/stored/x"])
def test_a_body_that_does_not_say_its_length(gateway: Gateway, path: str) -> None:
    form = "Content-Type: application/x-www-form-urlencoded"
    with gateway.raw() as client:
        for _ in range(2):
            client.send(request("POST", path, form, "Transfer-Encoding: chunked"))
            client.send(chunked(*[b"x" * (1 << 20)] * 10, b"x"))
            answered = client.read_answer()
            assert (answered.status, answered.body) == (200, b"%d" % LENGTH)
            assert answered.get(b"x-tyk-cached-response") is None
