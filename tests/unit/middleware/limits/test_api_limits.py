"""Rates of APIs and endpoints: contract 07.8."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, outcome_of
from tests.fakes.limiters import AwayLimiter, WaitingLimiter, node_limiter

from sluicegate.chain.counter_names import api_counter, endpoint_counter
from sluicegate.errors import StoreError
from sluicegate.middleware.limits.api_limits import RATE_EXCEEDED, ApiLimits
from sluicegate.store.limiter import LONGEST_WINDOW_S

GLOBAL = {"global_rate_limit": {"rate": 2, "per": 1000}}
ENDPOINT = {"path": "/x", "method": "GET", "rate": 1, "per": 1000}


def step_of(limiter: Any, endpoints: list[dict[str, Any]] | None = None, settings: Any = None, **api: Any) -> Any:
    version = make_version(extended_paths={"rate_limit": endpoints or []})
    return ApiLimits.from_definition(make_api(**api), version, make_services(settings, limiter=limiter))


async def ask(step: Any, times: int, target: str = "/", method: str = "GET") -> list[Any]:
    return [await outcome_of(step.on_request(make_exchange(target, method))) for _ in range(times)]


@pytest.mark.parametrize(
    ("endpoints", "api"),
    [
        ([], {}),
        ([], {"global_rate_limit": {"rate": 2, "per": 1000, "disabled": True}}),
        ([{**ENDPOINT, "disabled": True}], {}),
        ([{**ENDPOINT, "per": 0}], {}),
        ([ENDPOINT], {**GLOBAL, "disable_rate_limit": True}),
    ],
)
def test_without_a_limit_there_is_no_step(endpoints: list[dict[str, Any]], api: dict[str, Any]) -> None:
    assert step_of(node_limiter(), endpoints, **api) is None


@pytest.mark.parametrize("limiter", [node_limiter, WaitingLimiter])
async def test_all_callers_are_counted_together(limiter: Any) -> None:
    assert await ask(step_of(limiter(), **GLOBAL), 3) == [None, None, RATE_EXCEEDED]


async def test_an_endpoint_is_counted_by_itself() -> None:
    step = step_of(node_limiter(), [ENDPOINT], **GLOBAL)
    assert await ask(step, 2, "/x") == [None, RATE_EXCEEDED]
    assert await ask(step, 3) == [None, None, RATE_EXCEEDED]
    only = step_of(node_limiter(), [ENDPOINT])
    assert await ask(only, 3) == [None] * 3
    assert await ask(only, 2, "/x", "POST") == [None, None]


async def test_a_window_that_no_clock_reaches_is_as_long_as_stores_can_count() -> None:
    limit = {"global_rate_limit": {"rate": 2, "per": 1e308}}
    step = step_of(node_limiter(), settings={"rate_limit_response_headers": "rate_limits"}, **limit)
    exchange = make_exchange()
    assert await outcome_of(step.on_request(exchange)) is None
    assert exchange.rate == (2, 1, pytest.approx(time.time() + LONGEST_WINDOW_S, abs=60))


async def test_headers_unless_the_key_has_set_them() -> None:
    settings = {"rate_limit_response_headers": "rate_limits"}
    step = step_of(node_limiter(), settings=settings, **GLOBAL)
    first, second = make_exchange(), make_exchange()
    second.rate = (9, 9, 9)
    await outcome_of(step.on_request(first))
    await outcome_of(step.on_request(second))
    assert first.rate is not None and first.rate[:2] == (2, 1)
    assert second.rate == (9, 9, 9)


@pytest.mark.parametrize(("asked", "known"), [(True, (2, 1)), (False, None)])
async def test_what_variables_say_of_the_rate(asked: bool, known: Any) -> None:
    exchange = make_exchange()
    await outcome_of(step_of(node_limiter(), enable_context_vars=asked, **GLOBAL).on_request(exchange))
    assert (exchange.rate and exchange.rate[:2]) == known


@pytest.mark.parametrize("waits", [False, True])
async def test_a_store_that_is_away_is_no_verdict(waits: bool) -> None:
    with pytest.raises(StoreError):
        await ask(step_of(AwayLimiter(waits), **GLOBAL), 1)


def test_names_in_a_shared_redis_are_those_of_tyk() -> None:
    redis = make_services({"hash_keys": True, "storage": {"type": "redis"}}).settings
    assert api_counter("default", "k1", "", redis) == "465c196e"
    assert endpoint_counter("GET", "/ep", redis) == "355a3178"
    plain = make_services({"storage": {"type": "redis"}}).settings
    assert api_counter("default", "k1", "355a3178", plain) == "apilimiter-defaultk1-355a3178"


def test_in_an_embedded_store_no_two_endpoints_share_a_counter() -> None:
    embedded = make_services({"hash_keys": True}).settings
    assert endpoint_counter("GET", "/abc1", embedded) != endpoint_counter("GET", "/abc2", embedded)
    assert api_counter("default", "api1", "", embedded) != api_counter("default", "api2", "", embedded)
