"""Ways of choosing: in turn, by weight, by load, by address, by cookie."""

from __future__ import annotations

import random
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition, LoadBalancing, ProxyConfig
from sluicegate.errors import ConfigError
from sluicegate.upstream.balance import (
    IpHash,
    LeastConnections,
    RoundRobin,
    StickyCookie,
    WeightedRoundRobin,
    make_balancer,
)
from sluicegate.upstream.target import Target, parse_target
from sluicegate.wire.headers import Headers


def targets(*weights: int) -> list[Target]:
    made = [parse_target(f"http://{chr(97 + at)}.test") for at in range(len(weights))]
    for target, weight in zip(made, weights, strict=True):
        target.weight, target.pool = weight, SimpleNamespace(in_flight=0)
    return made


def exchange(ip: str = "192.0.2.1", cookie: str = "", is_tls: bool = False) -> Any:
    headers = Headers()
    if cookie:
        headers.add(b"cookie", cookie.encode())
    client = SimpleNamespace(peer_ip=ip, is_tls=is_tls)
    return SimpleNamespace(client_ip=ip, client=client, headers=headers, response_headers=())


def names(chosen: list[Target]) -> str:
    return "".join(target.host[0] for target in chosen)


def test_round_robin_keeps_the_order_of_the_list() -> None:
    a, b = targets(1, 1)
    balancer = RoundRobin()
    assert names([balancer.choose(exchange(), [a, a, b]) for _ in range(6)]) == "aabaab"
    assert names([balancer.choose(exchange(), [b]) for _ in range(2)]) == "bb"


def test_weighted_round_robin_is_smooth() -> None:
    balancer, candidates = WeightedRoundRobin(), targets(5, 1, 1)
    assert names([balancer.choose(exchange(), candidates) for _ in range(14)]) == "aabacaa" * 2


def test_least_connections_follows_load_and_weight() -> None:
    balancer, (a, b) = LeastConnections(), targets(3, 1)
    for _ in range(40):
        balancer.choose(exchange(), [a, b]).pool.in_flight += 1
    assert (a.pool.in_flight, b.pool.in_flight) == (30, 10)
    a.pool.in_flight = 0
    assert balancer.choose(exchange(), [a, b]) is a


def test_least_connections_takes_turns_when_all_are_idle() -> None:
    balancer, candidates = LeastConnections(), targets(1, 1, 1)
    assert Counter(names([balancer.choose(exchange(), candidates) for _ in range(30)])) == {"a": 10, "b": 10, "c": 10}


ADDRESSES = [f"10.{n >> 8}.{n & 255}.7" for n in range(4000)]


def by_ip(candidates: list[Target], balancer: IpHash | None = None) -> dict[str, Target]:
    balancer = balancer or IpHash()
    return {ip: balancer.choose(exchange(ip), candidates) for ip in ADDRESSES}


def test_ip_hash_is_the_same_everywhere_and_spread_by_weight() -> None:
    a, b, c = targets(2, 1, 1)
    chosen = by_ip([a, b, c])
    assert chosen == by_ip([c, a, b])
    shares = Counter(names(list(chosen.values())))
    assert shares["a"] / len(ADDRESSES) == pytest.approx(0.5, abs=0.06)
    assert shares["b"] / len(ADDRESSES) == pytest.approx(0.25, abs=0.06)


def test_ip_hash_moves_only_the_share_of_what_comes_or_goes() -> None:
    few, balancer = targets(1, 1, 1, 1), IpHash()
    before = by_ip(few, balancer)
    newcomer = parse_target("http://new.test")
    after = by_ip([*few, newcomer], balancer)
    moved = [ip for ip in ADDRESSES if before[ip] is not after[ip]]
    assert all(after[ip] is newcomer for ip in moved)
    assert len(moved) / len(ADDRESSES) == pytest.approx(1 / 5, abs=0.05)
    without = by_ip(few[1:], balancer)
    assert all(without[ip] is before[ip] for ip in ADDRESSES if before[ip] is not few[0])


def cookie_of(one: Any) -> str:
    ((name, value),) = one.response_headers
    assert name == b"Set-Cookie"
    return str(value.decode())


def test_sticky_cookie_brings_the_client_back() -> None:
    candidates = targets(1, 1, 1)
    balancer = StickyCookie("stick", "/app/", candidates, b"secret")
    first = exchange()
    chosen = balancer.choose(first, candidates)
    line = cookie_of(first)
    pair, *attributes = line.split("; ")
    assert attributes == ["Path=/app/", "HttpOnly", "SameSite=Lax"]
    assert "test" not in pair
    for _ in range(5):
        again = exchange(cookie=f"x=1; {pair}; y=2")
        assert balancer.choose(again, candidates) is chosen
        assert again.response_headers == ()
    other_worker = StickyCookie("stick", "/app/", candidates, b"secret")
    assert other_worker.choose(exchange(cookie=pair), candidates) is chosen


def test_sticky_cookie_moves_a_client_whose_target_is_gone() -> None:
    candidates = targets(1, 1)
    balancer = StickyCookie("stick", "/", candidates, b"secret")
    first = exchange()
    chosen = balancer.choose(first, candidates)
    pair = cookie_of(first).split(";")[0]
    rest = [target for target in candidates if target is not chosen]
    moved = exchange(cookie=pair, is_tls=True)
    assert balancer.choose(moved, rest) is rest[0]
    assert pair not in cookie_of(moved)
    assert cookie_of(moved).endswith("; Secure")
    # Tried twice for one request: only the last choice is told.
    assert balancer.choose(first, rest) is rest[0]
    assert pair not in cookie_of(first)


@pytest.mark.parametrize("cookie", ["stick=", "stick=forged", "stick", "=;;=", "nostick=1"])
def test_sticky_cookie_shrugs_at_what_it_never_wrote(cookie: str) -> None:
    candidates = targets(1, 1)
    one = exchange(cookie=cookie)
    assert StickyCookie("stick", "/", candidates, b"s").choose(one, candidates) in candidates
    assert cookie_of(one)


def api(algorithm: str, cookie_name: str = "", listen_path: str = "/a/") -> Api:
    balancing = LoadBalancing(algorithm=algorithm, cookie_name=cookie_name)
    return Api(APIDefinition(proxy=ProxyConfig(listen_path=listen_path, load_balancing=balancing)), source="a.json")


@pytest.mark.parametrize(
    ("algorithm", "made"),
    [
        ("", RoundRobin),
        ("round_robin", RoundRobin),
        ("weighted_round_robin", WeightedRoundRobin),
        ("least_connections", LeastConnections),
        ("ip_hash", IpHash),
        ("sticky_cookie", StickyCookie),
    ],
)
def test_the_definition_names_the_way(algorithm: str, made: type) -> None:
    assert type(make_balancer(api(algorithm), targets(1, 1), "secret")) is made


def test_a_listen_path_with_patterns_is_no_cookie_path() -> None:
    candidates = targets(1)
    one = exchange()
    make_balancer(api("sticky_cookie", listen_path="/{id}/"), candidates, "s").choose(one, candidates)
    assert "; Path=/;" in cookie_of(one)


def test_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ConfigError, match="unknown algorithm 'random'") as caught:
        make_balancer(api("random"), [], "")
    assert caught.value.where == "a.json: proxy.load_balancing.algorithm"
    with pytest.raises(ConfigError, match="cannot be the name of a cookie"):
        make_balancer(api("sticky_cookie", cookie_name="a b"), [], "")


def test_every_way_uses_all_targets_by_weight() -> None:
    rng = random.Random(1)
    for algorithm in ("weighted_round_robin", "least_connections", "ip_hash", "sticky_cookie"):
        candidates = targets(3, 1)
        balancer = make_balancer(api(algorithm), candidates, "s")
        count: Counter[str] = Counter()
        for _ in range(2000):
            target = balancer.choose(exchange(f"10.{rng.randrange(256)}.{rng.randrange(256)}.1"), candidates)
            target.pool.in_flight += 1
            count[target.host] += 1
        assert count["a.test"] / 2000 == pytest.approx(0.75, abs=0.05), algorithm
