"""Rates and quotas of keys: contract 07.1, 07.7, 07.10, 07.11."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, outcome_of, session_of
from tests.fakes.limiters import AwayLimiter, WaitingLimiter, node_limiter

from sluicegate.apidef.session import Session
from sluicegate.chain.exchange import Exchange
from sluicegate.errors import StoreError
from sluicegate.middleware.limits import key_limits
from sluicegate.middleware.limits.key_limits import QUOTA_EXCEEDED, RATE_EXCEEDED, KeyLimits
from sluicegate.store.limiter import LONGEST_WINDOW_S

LIMITERS = [node_limiter, WaitingLimiter]


class Gateway:
    """One API with its key limits."""

    def __init__(self, limiter: Any = None, settings: dict[str, Any] | None = None, **api: Any) -> None:
        self.api = make_api(proxy={"listen_path": "/api/"}, **api)
        self.services = make_services(settings, limiter=limiter or node_limiter())
        step = KeyLimits.from_definition(self.api, make_version(), self.services)
        assert step is not None
        self.step = step
        self.last: Exchange = make_exchange()

    async def ask(self, session: Session, target: str = "/api/x", method: str = "GET", key: str = "k") -> Any:
        exchange = self.last = make_exchange(target, method, api=self.api, services=self.services, session=session)
        exchange.key_hash = key
        return await outcome_of(self.step.on_request(exchange))

    async def count(self, session: Session, times: int, **how: Any) -> list[Any]:
        return [await self.ask(session, **how) for _ in range(times)]


def test_open_apis_have_no_key_limits() -> None:
    assert KeyLimits.from_definition(make_api(use_keyless=True), make_version(), make_services()) is None


@pytest.mark.parametrize("limiter", LIMITERS)
async def test_rate_then_quota(limiter: Any) -> None:
    gateway = Gateway(limiter())
    session = session_of(rate=3, per=1000, quota_max=2, quota_renewal_rate=1000)
    assert await gateway.count(session, 4) == [None, None, QUOTA_EXCEEDED, RATE_EXCEEDED]


async def test_a_window_that_no_clock_reaches_is_as_long_as_stores_can_count() -> None:
    gateway = Gateway(settings={"rate_limit_response_headers": "rate_limits"})
    limit = {"rate": 2, "per": 1e308, "quota_max": 2, "quota_renewal_rate": 1 << 62}
    endpoints = [{"path": "/slow", "methods": [{"name": "GET", "limit": {"rate": 2, "per": 1e308}}]}]
    session = session_of(access_rights={"a1": {"limit": limit, "endpoints": endpoints}})
    for target in ("/api/x", "/api/slow"):
        assert await gateway.ask(session, target=target) is None
        assert gateway.last.rate is not None
        assert gateway.last.quota is not None
        assert gateway.last.rate[2] == gateway.last.quota[2] == pytest.approx(time.time() + LONGEST_WINDOW_S, abs=60)


async def test_keys_are_counted_apart_and_an_empty_key_is_not_limited() -> None:
    gateway = Gateway()
    session = session_of(rate=1, per=1000)
    assert await gateway.count(session, 2, key="a") == [None, RATE_EXCEEDED]
    assert await gateway.ask(session, key="b") is None
    assert await gateway.count(session_of(), 5, key="c") == [None] * 5


@pytest.mark.parametrize(
    ("switch", "expected"),
    [("disable_rate_limit", QUOTA_EXCEEDED), ("disable_quota", RATE_EXCEEDED)],
)
async def test_the_definition_switches_off_one_or_the_other(switch: str, expected: Any) -> None:
    session = session_of(rate=1, per=1000, quota_max=1, quota_renewal_rate=1000)
    assert await Gateway(**{switch: True}).count(session, 2) == [None, expected]


async def test_limits_of_the_api_come_before_those_of_the_key() -> None:
    gateway = Gateway()
    rights = {"a1": {"limit": {"rate": 1, "per": 1000}, "allowance_scope": "a1"}, "other": {}}
    session = session_of(rate=100, per=1000, quota_max=1, access_rights=rights)
    assert await gateway.count(session, 2) == [None, RATE_EXCEEDED]
    empty = session_of(rate=2, per=1000, access_rights={"a1": {}})
    assert await gateway.count(empty, 3, key="b") == [None, None, RATE_EXCEEDED]


async def test_scopes_are_counted_apart() -> None:
    gateway = Gateway()

    def scoped(scope: str) -> Session:
        limit = {"rate": 1, "per": 1000, "quota_max": 9}
        return session_of(access_rights={"a1": {"limit": limit, "allowance_scope": scope}})

    assert await gateway.count(scoped("p1"), 2) == [None, RATE_EXCEEDED]
    assert await gateway.count(scoped("p2"), 2) == [None, RATE_EXCEEDED]
    assert await gateway.services.limiter.quota_used("quota-p1-k") is not None


async def test_an_endpoint_has_its_own_rate() -> None:
    gateway = Gateway()
    endpoints = [
        {"path": "/get", "methods": [{"name": "get", "limit": {"rate": 2, "per": 1000}}]},
        {"path": "/free/{id}", "methods": [{"name": "GET", "limit": {}}]},
        {"path": "/api/", "methods": [{"name": "GET", "limit": {"rate": 1, "per": 1000}}]},
        {"path": "(?=broken", "methods": [{"name": "GET", "limit": {"rate": 1, "per": 1000}}]},
    ]
    rights = {"a1": {"limit": {"rate": 1, "per": 1000}, "endpoints": endpoints}}
    session = session_of(access_rights=rights)
    assert await gateway.count(session, 3, target="/api/get") == [None, None, RATE_EXCEEDED]
    assert await gateway.count(session, 3, target="/api/free/1") == [None] * 3
    assert await gateway.count(session, 2, target="/api/get", method="POST") == [None, RATE_EXCEEDED]
    assert await gateway.ask(session, target="/api/other") == RATE_EXCEEDED  # one counter with the POST


async def test_a_pattern_counts_several_keys_as_one() -> None:
    gateway = Gateway()
    meta = {"rate_limit_pattern": "$tyk_meta.developer", "developer": "d1"}
    session = session_of(rate=2, per=1000, quota_max=9, meta_data=meta)
    assert await gateway.ask(session, key="a") is None
    assert await gateway.ask(session, key="b") is None
    assert await gateway.ask(session, key="c") == RATE_EXCEEDED
    assert await gateway.services.limiter.quota_used("quota-d1") is not None
    without = session_of(rate=1, per=1000, meta_data={"rate_limit_pattern": "$tyk_meta.developer"})
    assert await gateway.count(without, 2, key="d") == [None, RATE_EXCEEDED]


async def test_a_key_that_was_written_begins_anew() -> None:
    gateway = Gateway()
    assert await gateway.count(session_of(rate=1, per=1000, last_updated="1"), 2) == [None, RATE_EXCEEDED]
    assert await gateway.count(session_of(rate=2, per=1000, last_updated="2"), 3) == [None, None, RATE_EXCEEDED]


@pytest.mark.parametrize("limiter", LIMITERS)
async def test_a_patient_key_waits_for_its_turn(limiter: Any) -> None:
    gateway = Gateway(limiter())
    session = session_of(rate=1, per=1, throttle_interval=0.3, throttle_retry_limit=5)
    started = time.monotonic()
    assert await gateway.count(session, 2) == [None, None]
    assert 0.8 < time.monotonic() - started < 5


async def test_patience_ends() -> None:
    gateway = Gateway()
    session = session_of(rate=1, per=1000, throttle_interval=0.01, throttle_retry_limit=2)
    assert await gateway.count(session, 2) == [None, RATE_EXCEEDED]
    for hasty in ({"throttle_interval": -1}, {"throttle_interval": 0}):
        session = session_of(rate=1, per=1000, throttle_retry_limit=1_000_000, **hasty)
        assert await gateway.count(session, 2, key=str(hasty)) == [None, RATE_EXCEEDED]


@pytest.mark.parametrize("limiter", LIMITERS)
async def test_what_the_headers_say_of_the_quota(limiter: Any) -> None:
    gateway = Gateway(limiter())
    session = session_of(quota_max=2, quota_renewal_rate=1000, quota_remaining=77)
    await gateway.ask(session)
    maximum, remaining, renews = gateway.last.quota
    assert (maximum, remaining) == (2, 1) and 990 < renews - time.time() < 1010
    assert gateway.last.rate is None
    await gateway.ask(session_of(quota_max=-1, quota_renews=1234), key="b")
    assert gateway.last.quota == (-1, 0, 1234)


@pytest.mark.parametrize("limiter", LIMITERS)
async def test_what_the_headers_say_of_the_rate(limiter: Any) -> None:
    gateway = Gateway(limiter(), {"rate_limit_response_headers": "rate_limits"})
    session = session_of(rate=2, per=1000)
    seen = []
    for _ in range(3):
        await gateway.ask(session)
        assert gateway.last.rate is not None
        seen.append(gateway.last.rate[:2])
    assert seen == [(2, 1), (2, 0), (2, 0)]


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("session", [session_of(rate=1, per=1000), session_of(quota_max=1)])
async def test_a_store_that_is_away_is_no_verdict(waits: bool, session: Session) -> None:
    with pytest.raises(StoreError):
        await Gateway(AwayLimiter(waits)).ask(session)


async def test_a_session_that_changed_has_its_new_limits_at_once() -> None:
    gateway = Gateway()
    assert await gateway.count(session_of(rate=1, per=1000), 2) == [None, RATE_EXCEEDED]
    assert await gateway.count(session_of(rate=3, per=1000), 2) == [None, None]


async def test_plans_are_remembered_and_the_oldest_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_limits, "REMEMBERED_PLANS", 10)
    gateway = Gateway()
    session = session_of(rate=5, per=1000)
    for number in range(100):
        assert await gateway.ask(session, key=f"k{number}") is None
        assert await gateway.ask(session, key="hot") is (None if number < 5 else RATE_EXCEEDED)
    assert len(gateway.step._plans) <= 10 and len(gateway.step._older_plans) <= 10


@pytest.mark.parametrize("limiter", LIMITERS)
@pytest.mark.parametrize(("asked", "known"), [(True, (3, 2)), (False, None)])
async def test_what_variables_say_of_the_rate(limiter: Any, asked: bool, known: Any) -> None:
    gateway = Gateway(limiter(), enable_context_vars=asked)
    assert await gateway.ask(session_of(rate=3, per=1000)) is None
    rate = gateway.last.rate
    assert (rate and rate[:2]) == known
