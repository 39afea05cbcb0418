"""Limits of organisations: contract 06.4 #9."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, outcome_of, session_of
from tests.fakes.limiters import AwayLimiter, WaitingLimiter, node_limiter

from sluicegate.apidef.session import Session
from sluicegate.errors import StoreError
from sluicegate.middleware.limits.org_limits import COMMON_TEXT, INACTIVE, QUOTA_EXCEEDED, RATE_EXCEEDED, OrgLimits
from sluicegate.store.limiter import LONGEST_WINDOW_S

ON = {"enforce_org_quotas": True}


class Orgs:
    """Sessions of organisations; they may have to be waited for."""

    def __init__(self, session: Session | None, waits: bool = False) -> None:
        self.session, self.waits = session, waits

    def find_org(self, org_id: str) -> Any:
        return self.later() if self.waits else self.session

    async def later(self) -> Session | None:
        return self.session


def step_of(session: Session | None, limiter: Any = None, waits: bool = False, **settings: Any) -> OrgLimits:
    services = make_services({**ON, **settings}, keys=Orgs(session, waits), limiter=limiter or node_limiter())
    step = OrgLimits.from_definition(make_api(), make_version(), services)
    assert step is not None
    return step


async def ask(step: OrgLimits, times: int) -> list[Any]:
    return [await outcome_of(step.on_request(make_exchange())) for _ in range(times)]


def test_the_settings_ask_for_it() -> None:
    assert OrgLimits.from_definition(make_api(), make_version(), make_services()) is None
    services = make_services(ON, keys=Orgs(None))
    assert OrgLimits.from_definition(make_api(org_id=""), make_version(), services) is None


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("limiter", [node_limiter, WaitingLimiter])
@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (None, [None] * 3),
        (session_of(), [None] * 3),
        (session_of(is_inactive=True), [INACTIVE] * 3),
        (session_of(rate=2, per=1000, quota_max=-1), [None, None, RATE_EXCEEDED]),
        (session_of(quota_max=2, quota_renewal_rate=1000), [None, None, QUOTA_EXCEEDED]),
        (session_of(rate=9, per=1000, quota_max=1), [None, QUOTA_EXCEEDED, QUOTA_EXCEEDED]),
    ],
)
async def test_limits(session: Any, expected: list[Any], limiter: Any, waits: bool) -> None:
    assert await ask(step_of(session, limiter(), waits), 3) == expected


async def test_windows_that_no_clock_reaches_are_as_long_as_stores_can_count() -> None:
    limiter = node_limiter()
    session = session_of(rate=1, per=1e308, quota_max=1, quota_renewal_rate=1 << 62)
    assert await ask(step_of(session, limiter), 2) == [None, RATE_EXCEEDED]
    used = await limiter.quota_used("quota-default")
    assert used == (1, pytest.approx(time.time() + LONGEST_WINDOW_S, abs=60))


async def test_the_one_text_of_the_experiment() -> None:
    step = step_of(session_of(rate=1, per=1000), experimental_process_org_off_thread=True)
    _, refused = await ask(step, 2)
    assert (refused.status, refused.message, refused.code) == (403, COMMON_TEXT, RATE_EXCEEDED.code)


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("session", [session_of(rate=1, per=1000), session_of(quota_max=1)])
async def test_a_store_that_is_away_is_no_verdict(session: Session, waits: bool) -> None:
    with pytest.raises(StoreError):
        await ask(step_of(session, AwayLimiter(waits)), 1)
