"""The upstream of an API: which target, in which state of the world."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition, HostCheckObject, LoadBalancing, ProxyConfig, UptimeTests
from sluicegate.chain.outcome import Rejection
from sluicegate.clock import ticks
from sluicegate.errors import ConfigError
from sluicegate.settings.model import Settings
from sluicegate.settings.own import Ejection, Sluicegate
from sluicegate.store.certificates import Certificates
from sluicegate.upstream.health import HostHealth
from sluicegate.upstream.target import Target
from sluicegate.upstream.tls import UpstreamTls
from sluicegate.upstream.upstream import ELSEWHERE_LIMIT, Upstream, UpstreamParts

ONCE = Settings(sluicegate=Sluicegate(ejection=Ejection(failures=1, base_s=60)))


class Pool:
    def __init__(self, target: Target, settings: Settings) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def parts() -> UpstreamParts:
    return UpstreamParts(UpstreamTls(), Certificates(), HostHealth(), Pool)


def upstream(*hosts: str, settings: Settings = ONCE, shared: UpstreamParts | None = None, **proxy: Any) -> Upstream:
    checks = [HostCheckObject(url=host) for host in hosts] if proxy.get("check_host_against_uptime_tests") else ()
    config = ProxyConfig(enable_load_balancing=True, target_list=hosts, **proxy)
    return Upstream(
        Api(APIDefinition(proxy=config, uptime_tests=UptimeTests(check_list=checks)), source="a.json"),
        settings,
        shared or parts(),
    )


def single(url: str, shared: UpstreamParts | None = None, **proxy: Any) -> Upstream:
    return Upstream(
        Api(APIDefinition(proxy=ProxyConfig(target_url=url, **proxy)), source="a.json"), Settings(), shared or parts()
    )


def exchange(url: bytes | None = None) -> Any:
    return SimpleNamespace(url=url, started_ticks=ticks(), target=None, response_headers=())


def pick(it: Upstream, url: bytes | None = None) -> Target:
    target = it.pick(exchange(url))
    assert isinstance(target, Target)
    return target


def hosts_of(it: Upstream, count: int) -> str:
    return "".join(pick(it).host for _ in range(count))


def other(it: Upstream, failed: Target, *tried: Target) -> str | None:
    found = it.pick_other(SimpleNamespace(target=failed, url=None, response_headers=()), {failed, *tried})
    return found.host if found else None


def test_a_single_target_is_at_hand() -> None:
    it = single("http://a.test/base", preserve_host_header=True)
    assert it.only is not None
    assert it.only.host == "a.test"
    assert pick(it) is it.only
    assert (it.timeout_s, it.preserve_host, it.keeps_trailing_slash) == (30, True, False)
    assert other(it, it.only) is None


def test_the_list_counts_only_where_balancing_is_on() -> None:
    it = single("http://a.test", target_list=["http://b.test"])
    assert pick(it).host == "a.test"


def test_repeats_are_turns_of_one_target() -> None:
    it = upstream("a", "a", "b")
    assert hosts_of(it, 6) == "aabaab"
    assert [(target.host, target.weight) for target in it.targets] == [("a", 2), ("b", 1)]


def test_weights_of_the_extension() -> None:
    it = upstream("a", "b", load_balancing=LoadBalancing(algorithm="weighted_round_robin", weights=[2, 1]))
    assert hosts_of(it, 6) == "abaaba"
    with pytest.raises(ConfigError, match="one weight of 1 or more"):
        upstream("a", "b", load_balancing=LoadBalancing(weights=[1]))


def test_an_empty_list_is_503_and_no_target_at_all_is_500() -> None:
    empty = upstream().pick(exchange())
    assert isinstance(empty, Rejection)
    assert (empty.status, empty.message, empty.plain) == (503, "all hosts are down", True)
    nothing = single("").pick(exchange())
    assert isinstance(nothing, Rejection)
    assert nothing.status == 500


def test_hosts_that_are_down_are_skipped_where_asked() -> None:
    shared = parts()
    it = upstream("a", "b", shared=shared, check_host_against_uptime_tests=True)
    careless = upstream("a", "b", shared=shared)
    shared.health.mark(it.checks[0], up=False)
    assert hosts_of(it, 3) == "bbb"
    assert hosts_of(careless, 2) == "ab"
    later = upstream("a", "b", shared=shared, check_host_against_uptime_tests=True)
    assert hosts_of(later, 2) == "bb", "a reload does not forget"
    shared.health.mark(it.checks[1], up=False)
    down = it.pick(exchange())
    assert isinstance(down, Rejection)
    assert down.status == 503
    shared.health.mark(it.checks[0], up=True)
    assert hosts_of(it, 2) == "aa"


def test_one_balanced_target_that_is_down_is_503() -> None:
    shared = parts()
    it = upstream("a", shared=shared, check_host_against_uptime_tests=True)
    assert it.only is None
    shared.health.mark(it.checks[0], up=False)
    assert isinstance(it.pick(exchange()), Rejection)


def test_ejected_targets_are_left_out_but_tried_before_giving_up() -> None:
    it = upstream("a", "b", "c")
    a, b, c = it.targets
    a.failed()
    assert hosts_of(it, 4) in ("bcbc", "cbcb")
    assert other(it, b) == "c"
    assert other(it, b, c) == "a"
    assert other(it, b, c, a) is None


def test_a_healthy_ejected_target_is_better_than_none() -> None:
    shared = parts()
    it = upstream("a", "b", shared=shared, check_host_against_uptime_tests=True)
    it.targets[0].failed()
    assert hosts_of(it, 2) == "bb"
    shared.health.mark(it.checks[1], up=False)
    assert hosts_of(it, 2) == "aa"


def test_an_ejection_ends_by_itself() -> None:
    it = upstream("a", "b", settings=Settings(sluicegate=Sluicegate(ejection=Ejection(failures=1, base_s=0))))
    it.targets[0].failed()
    later = exchange()
    later.started_ticks = ticks() + 1
    assert {it.pick(later), it.pick(later)} == set(it.targets)


def test_a_rewrite_leads_to_another_host() -> None:
    it = single("http://a.test")
    target = pick(it, b"https://b.test:8443/path?x=//y")
    assert (target.host, target.port, target.tls is not None) == ("b.test", 8443, True)
    assert pick(it, b"https://b.test:8443") is target
    assert pick(it, b"/only/a/path").host == "a.test"
    assert other(it, target) is None
    nonsense = it.pick(exchange(b"gopher://b.test/"))
    assert isinstance(nonsense, Rejection)


def test_the_number_of_other_hosts_is_bounded() -> None:
    it = single("http://a.test")
    first = pick(it, b"http://0.test/")
    for number in range(ELSEWHERE_LIMIT):
        pick(it, b"http://%d.test/" % (number + 1))
    assert first.pool.closed


def test_close_lets_go_of_all_connections() -> None:
    it = upstream("a", "b")
    elsewhere = pick(it, b"http://c.test/")
    it.close()
    assert all(target.pool.closed for target in (*it.targets, elsewhere))


def test_errors_name_file_and_field() -> None:
    with pytest.raises(ConfigError) as caught:
        upstream("http://a.test", "ftp://b.test")
    assert caught.value.where == "a.json: proxy.target_list[1]"
    with pytest.raises(ConfigError) as caught:
        single("nope://x")
    assert caught.value.where == "a.json: proxy.target_url"
