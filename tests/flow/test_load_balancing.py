"""Load balancing end to end: who gets how much, who stays where, and who is left out."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tests.gateway import Gateway, api, until
from tests.upstreams import Upstream, answer
from tests.wire import Message, Wire, get


class Healthy:
    """An upstream that says its name, and of its health what a test wants; `/slow` waits until it may answer."""

    def __init__(self, name: str) -> None:
        self.name, self.is_well, self.go_on = name.encode(), True, threading.Event()

    def __call__(self, wire: Wire, upstream: Upstream) -> None:
        while True:
            message = wire.read_request()
            if message.target == b"/health":
                wire.send(answer(status=b"200 OK" if self.is_well else b"500 Internal Server Error"))
                continue
            upstream.note(message)
            if message.target == b"/slow":
                self.go_on.wait(20)
            wire.send(answer(self.name))


@pytest.fixture(scope="module")
def scripts() -> list[Healthy]:
    return [Healthy(name) for name in "abc"]


@pytest.fixture(scope="module")
def upstreams(scripts: list[Healthy]) -> Iterator[list[Upstream]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Upstream(script)) for script in scripts]


@pytest.fixture(scope="module")
def gateway(upstreams: list[Upstream], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    urls = [one.url for one in upstreams]

    def balanced(listen_path: str, algorithm: str, **more: Any) -> dict[str, Any]:
        proxy = {"enable_load_balancing": True, "target_list": urls, "load_balancing": {"algorithm": algorithm} | more}
        return api(listen_path, proxy=proxy)

    checked = balanced("/checked/", "round_robin")
    checked["proxy"]["check_host_against_uptime_tests"] = True
    checked["uptime_tests"] = {"check_list": [{"url": f"{url}/health"} for url in urls]}
    apis = [
        api("/turn/", proxy={"enable_load_balancing": True, "target_list": urls}),
        api("/repeated/", proxy={"enable_load_balancing": True, "target_list": [urls[0], urls[0], urls[1]]}),
        balanced("/weighted/", "weighted_round_robin", weights=[5, 1, 1]),
        balanced("/least/", "least_connections"),
        balanced("/hash/", "ip_hash"),
        balanced("/sticky/", "sticky_cookie", cookie_name="stay"),
        checked,
    ]
    conf = {"uptime_tests": {"config": {"time_wait": 1, "failure_trigger_sample_size": 1}}}
    with Gateway(tmp_path_factory.mktemp("gateway"), apis=apis, conf=conf) as one:
        yield one


def names(client: Wire, path: str, count: int, *fields: str) -> str:
    """Return who has answered so many requests, in order."""
    return b"".join(client.ask(get(path, *fields)).body for _ in range(count)).decode()


def test_each_in_turn(client: Wire) -> None:
    assert names(client, "/turn/x", 7) == "abcabca"
    assert names(client, "/repeated/x", 6) == "aabaab"


def test_by_weight_and_evenly(client: Wire) -> None:
    assert names(client, "/weighted/x", 14) == "aabacaa" * 2


def test_least_connections(gateway: Gateway, upstreams: list[Upstream], scripts: list[Healthy]) -> None:
    """Those that are slow get no more while others are free."""
    with ExitStack() as stack:
        busy = [stack.enter_context(gateway.raw()) for _ in range(2)]
        for number, one in enumerate(busy):
            one.send(get("/least/slow"))
            until(lambda at=number: sum(slow_ones(upstreams)) == at + 1, "it has arrived")  # type: ignore[misc]
        (free,) = [one.name.decode() for one, slow in zip(scripts, slow_ones(upstreams), strict=True) if not slow]
        client = stack.enter_context(gateway.raw())
        assert names(client, "/least/x", 10) == free * 10
        for script in scripts:
            script.go_on.set()
        assert len({one.read_answer().body for one in busy}) == 2


def slow_ones(upstreams: list[Upstream]) -> list[int]:
    return [sum(1 for message in one.requests if message.target == b"/slow") for one in upstreams]


def test_the_same_client_to_the_same_target(client: Wire) -> None:
    clients = [f"X-Real-IP: 198.51.{number // 256}.{number % 256}" for number in range(300)]
    first = [names(client, "/hash/x", 1, one) for one in clients]
    assert [names(client, "/hash/x", 1, one) for one in clients] == first
    assert min(Counter(first).values()) > 50


def test_a_target_that_goes_moves_only_its_own(gateway: Gateway, client: Wire, upstreams: list[Upstream]) -> None:
    clients = [f"X-Real-IP: 198.51.{number // 256}.{number % 256}" for number in range(100)]
    before = [names(client, "/hash/x", 1, one) for one in clients]
    fewer = api("/hash/", proxy={"enable_load_balancing": True, "target_list": [one.url for one in upstreams[:2]]})
    fewer["proxy"]["load_balancing"] = {"algorithm": "ip_hash"}
    gateway.write_api(fewer, "0004-hash.json")
    gateway.reload()
    after = [names(client, "/hash/x", 1, one) for one in clients]
    assert [new for old, new in zip(before, after, strict=True) if old != "c"] == [old for old in before if old != "c"]
    assert "c" not in after


def test_a_cookie_keeps_a_client_where_it_is(client: Wire) -> None:
    seen = set()
    for _ in range(3):
        answered = client.ask(get("/sticky/x"))
        cookie = cookie_of(answered)
        assert cookie is not None
        seen.add(answered.body)
        for _ in range(5):
            again = client.ask(get("/sticky/x", f"Cookie: other=1; {cookie}"))
            assert (again.body, again.get(b"set-cookie")) == (answered.body, None)
    assert len(seen) == 3
    assert cookie_of(client.ask(get("/sticky/x", "Cookie: stay=nonsense"))) is not None


def cookie_of(message: Message) -> str | None:
    found = re.match(
        r"(stay=[0-9a-f]+); Path=/sticky/; HttpOnly; SameSite=Lax$", (message.get(b"set-cookie") or b"").decode()
    )
    return found[1] if found else None


def test_health_tests_decide(client: Wire, scripts: list[Healthy]) -> None:
    until(lambda: set(names(client, "/checked/x", 6)) == set("abc"), "all are in use")
    scripts[1].is_well = False
    until(lambda: set(names(client, "/checked/x", 6)) == set("ac"), "b is left out")
    scripts[0].is_well = scripts[2].is_well = False
    until(lambda: client.ask(get("/checked/x")).status == 503, "nobody is left")
    answered = client.ask(get("/checked/x"))
    assert answered.body == b"all hosts are down\n"
    assert answered.get(b"content-type") == b"text/plain; charset=utf-8"
    for one in scripts:
        one.is_well = True
    until(lambda: set(names(client, "/checked/x", 6)) == set("abc"), "all are back")


def test_a_document_says_it_as_well(gateway: Gateway, upstreams: list[Upstream]) -> None:
    """OAS: `upstream.loadBalancing`, with its weights."""
    targets = [{"url": upstreams[0].url, "weight": 3}, {"url": upstreams[1].url, "weight": 1}]
    extension = {
        "info": {"name": "oas", "id": "oas", "orgId": "org", "state": {"active": True}},
        "upstream": {"url": "", "loadBalancing": {"enabled": True, "targets": targets}},
        "server": {"listenPath": {"value": "/oas/", "strip": True}},
    }
    document = {"openapi": "3.0.3", "info": {"title": "oas", "version": "1"}, "paths": {}}
    status, said = gateway.admin("POST", "/tyk/apis/oas", document | {"x-tyk-api-gateway": extension})
    assert status == 200, json.dumps(said)
    gateway.reload()
    with gateway.raw() as client:
        assert Counter(names(client, "/oas/x", 8)) == {"a": 6, "b": 2}
