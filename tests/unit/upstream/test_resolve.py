"""Names to addresses: what is remembered, how long, and what a failure does."""

from __future__ import annotations

import asyncio

import pytest

from sluicegate.errors import UpstreamError, UpstreamFault
from sluicegate.settings.blocks import DNSCache
from sluicegate.settings.model import Settings
from sluicegate.upstream.resolve import REMEMBERED_NAMES, Resolver


class Zone:
    """A resolver that knows what it is told, and counts. answers: cleared, it does not."""

    def __init__(self, *ips: str) -> None:
        self.ips = list(ips)
        self.asked: list[str] = []
        self.now = 0.0
        self.answers = asyncio.Event()
        self.answers.set()

    async def ask(self, host: str) -> list[str]:
        self.asked.append(host)
        await asyncio.sleep(0)
        await self.answers.wait()
        if not self.ips:
            raise OSError("unknown")
        return list(self.ips)

    def resolver(self, ttl_s: float = 30, strategy: str = "") -> Resolver:
        return Resolver(ttl_s, strategy, ask=self.ask, clock=lambda: self.now)


def test_addresses_are_at_hand() -> None:
    zone = Zone()
    assert zone.resolver().addresses_now("127.0.0.1") == ("127.0.0.1",)
    assert zone.resolver().addresses_now("::1") == ("::1",)
    assert zone.asked == []


async def test_a_name_is_asked_once_until_it_expires() -> None:
    zone = Zone("10.0.0.1", "10.0.0.2")
    resolver = zone.resolver()
    assert resolver.addresses_now("a.test") is None
    assert await resolver.addresses("a.test") == ("10.0.0.1", "10.0.0.2")
    assert resolver.addresses_now("a.test") == ("10.0.0.1", "10.0.0.2")
    zone.ips = ["10.0.0.3"]
    zone.now = 30
    assert resolver.addresses_now("a.test") is None
    assert await resolver.addresses("a.test") == ("10.0.0.3",)
    assert len(zone.asked) == 2


async def test_many_at_once_share_one_look_up() -> None:
    zone = Zone("10.0.0.1")
    resolver = zone.resolver()
    await asyncio.gather(*(resolver.addresses("a.test") for _ in range(10)))
    assert len(zone.asked) == 1


async def test_one_that_gives_up_leaves_the_answer_to_the_others() -> None:
    zone = Zone("10.0.0.1")
    resolver = zone.resolver()
    first = asyncio.ensure_future(resolver.addresses("a.test"))
    second = asyncio.ensure_future(resolver.addresses("a.test"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == ("10.0.0.1",)


async def test_a_failure_is_told_and_holds_a_second() -> None:
    zone = Zone()
    resolver = zone.resolver()
    for _ in range(2):
        with pytest.raises(UpstreamError) as caught:
            await resolver.addresses("a.test")
        assert caught.value.fault is UpstreamFault.DNS
        assert caught.value.untouched
    assert len(zone.asked) == 1
    zone.ips = ["10.0.0.1"]
    zone.now = 1
    assert await resolver.addresses("a.test") == ("10.0.0.1",)


async def test_a_stale_answer_stands_in_for_a_failure_for_an_hour() -> None:
    zone = Zone("10.0.0.1")
    resolver = zone.resolver()
    await resolver.addresses("a.test")
    zone.ips = []
    zone.now = 100
    assert await resolver.addresses("a.test") == ("10.0.0.1",)
    assert resolver.addresses_now("a.test") is not None, "for a second nobody asks again"
    zone.now = 4000
    with pytest.raises(UpstreamError):
        await resolver.addresses("a.test")


async def test_a_stale_answer_stands_in_for_one_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluicegate.upstream.resolve.PATIENCE_S", 0.01)
    zone = Zone("10.0.0.1")
    resolver = zone.resolver()
    await resolver.addresses("a.test")
    zone.answers.clear()
    zone.now = 100
    async with asyncio.timeout(20):
        assert await resolver.addresses("a.test") == ("10.0.0.1",)
    assert resolver.addresses_now("a.test") is not None, "for a second nobody waits again"
    zone.now, zone.ips = 102, ["10.0.0.2"]
    zone.answers.set()
    assert await resolver.addresses("a.test") == ("10.0.0.2",), "the look-up has gone on"
    assert len(zone.asked) == 2


@pytest.mark.parametrize(
    ("strategy", "count", "kept_at_31_s"), [("no_cache", 2, False), ("pick_first", 1, True), ("random", 1, True)]
)
async def test_strategies_for_several_addresses(strategy: str, count: int, kept_at_31_s: bool) -> None:
    zone = Zone("10.0.0.1", "10.0.0.2")
    resolver = zone.resolver(ttl_s=3600, strategy=strategy)
    found = await resolver.addresses("a.test")
    assert len(found) == count
    assert found[0] in zone.ips
    zone.now = 31
    assert (resolver.addresses_now("a.test") is not None) is kept_at_31_s


async def test_a_negative_ttl_is_for_ever() -> None:
    zone = Zone("10.0.0.1")
    resolver = zone.resolver(ttl_s=-1)
    await resolver.addresses("a.test")
    zone.now = 1e9
    assert resolver.addresses_now("a.test")


async def test_settings_decide() -> None:
    assert await Resolver.from_settings(Settings()).addresses("127.0.0.1")
    cached = Resolver.from_settings(
        Settings(dns_cache=DNSCache(enabled=True, multiple_ips_handle_strategy="pick_first"))
    )
    assert len(await cached.addresses("localhost")) == 1


def test_memory_is_bounded() -> None:
    resolver = Resolver()
    for number in range(REMEMBERED_NAMES + 1):
        resolver.addresses_now(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(resolver._answers) <= REMEMBERED_NAMES


async def test_the_system_resolver_knows_localhost() -> None:
    found = await Resolver().addresses("localhost")
    assert set(found) <= {"127.0.0.1", "::1"}
