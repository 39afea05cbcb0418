"""What a key is told of its limits: contract 04.11."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.exchange import make_api, make_exchange, make_services, make_version, outcome_of, session_of
from tests.fakes.limiters import node_limiter

from sluicegate.apidef.session import Session
from sluicegate.chain.outcome import Reply
from sluicegate.middleware.answers.rate_limits_report import RateLimitsReport

API = make_api(proxy={"listen_path": "/api/"})


async def ask(session: Session, target: str = "/api/tyk/rate-limits/", limiter: Any = None) -> Any:
    step = RateLimitsReport.from_definition(API, make_version(), make_services(limiter=limiter or node_limiter()))
    assert step is not None
    exchange = make_exchange(target, api=API, session=session)
    exchange.key_hash = "k"
    return await outcome_of(step.on_request(exchange))


def test_open_apis_have_none() -> None:
    assert RateLimitsReport.from_definition(make_api(use_keyless=True), make_version(), make_services()) is None


async def test_other_paths_pass() -> None:
    for target in ("/api/", "/api/tyk/rate-limits", "/api/x/tyk/rate-limits/"):
        assert await ask(session_of(), target) is None


async def test_what_is_left_of_the_quota() -> None:
    limiter = node_limiter()
    limiter.quota("quota-k", 10, 1000)
    session = session_of(rate=5.5, per=60, quota_max=10, quota_renewal_rate=1000)
    reply = await ask(session, limiter=limiter)
    assert isinstance(reply, Reply) and reply.status == 200 and not reply.tracked
    told = json.loads(reply.body)
    assert told["quota"].pop("quota_renews") > 0
    assert told == {
        "quota": {"quota_max": 10, "quota_remaining": 9},
        "rate_limit": {"requests": 5.5, "per_unit": 60},
    }


async def test_a_quota_that_was_not_used_yet_and_none_at_all() -> None:
    reply = await ask(session_of(quota_max=10, quota_remaining=3))
    assert json.loads(reply.body)["quota"] == {"quota_max": 10, "quota_remaining": 3, "quota_renews": 0}
    reply = await ask(session_of(rate=5, per=1, quota_max=-1))
    assert reply.body == (
        b'{"quota":{"quota_max":-1,"quota_remaining":0,"quota_renews":0},"rate_limit":{"requests":5,"per_unit":1}}\n'
    )
