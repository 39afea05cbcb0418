"""Counts what a key does: its rate, then its quota (contract 07.1, 07.7, 07.10).

Runs for every API that is not `use_keyless`; what is limited stands in the session (`rate`, `per`, `quota_max`, …), in
its rights to this API (`access_rights{}.limit`, `.endpoints`), and in the policies that made it. `disable_rate_limit`
and `disable_quota` of the definition switch off one or the other.

A key with `throttle_retry_limit` is not rejected at once when it is over its rate: the request waits for
`throttle_interval` seconds and is counted again, as often as that says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from sluicegate.chain.key_plan import KeyPlan, Planner
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection, Step
from sluicegate.chain.store_failure import limiter_of
from sluicegate.store.limiter import Limiter, QuotaVerdict, RateVerdict

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

RATE_EXCEEDED = Rejection(429, "Rate Limit Exceeded", "session_rate_limited", flag="RLT")
QUOTA_EXCEEDED = Rejection(403, "Quota exceeded", "quota_exceeded", flag="QEX")

REMEMBERED_PLANS = 1024


class KeyLimits(Middleware):
    """Sets `exchange.rate` and `exchange.quota`, and rejects what is over."""

    name = "RateLimitAndQuotaCheck"
    runs_when_ignored = False
    runs_when_looped = False

    def __init__(self, planner: Planner, limiter: Limiter, tells_rate: bool) -> None:
        """tells_rate: somebody wants to know what remains of the rate, not only whether it is exceeded."""
        self._planner = planner
        self._rate, self._quota, self._admit = limiter.rate, limiter.quota, limiter.admit
        self._tells_rate = tells_rate
        self._plans: dict[str, KeyPlan] = {}
        self._older_plans: dict[str, KeyPlan] = {}

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step unless the API is open."""
        classic = api.classic
        if classic.use_keyless:
            return None
        planner = Planner(classic.api_id, not classic.disable_rate_limit, not classic.disable_quota, services.settings)
        return cls(planner, limiter_of(api, services), services.tells_rate(api))

    def on_request(self, exchange: Exchange) -> Step:
        """Count the request, or reject it."""
        plan = self._plans.get(exchange.key_hash)
        if plan is None or plan.session is not exchange.session:
            plan = self._plan_of(exchange)
        if plan.varies:
            plan = plan.for_request(exchange, exchange.key_hash)
        if not self._tells_rate:
            shown = self._admit(plan)
            if shown is not None:
                if shown[1] < 0 and shown is not plan.shown_quota:
                    exchange.quota = (shown[0], 0, shown[2])
                    return QUOTA_EXCEEDED
                exchange.quota = shown
                return None
        return self._check(exchange, plan)

    def _plan_of(self, exchange: Exchange) -> KeyPlan:
        """Return the plan for a session that was not met lately; those met least lately are forgotten."""
        session, key_name = exchange.session, exchange.key_hash
        assert session is not None  # KeyExpired has seen to it
        plan = self._older_plans.get(key_name)
        if plan is None or plan.session is not session:
            plan = self._planner.plan(session, key_name)
        if len(self._plans) >= REMEMBERED_PLANS:
            self._older_plans, self._plans = self._plans, {}
        self._plans[key_name] = plan
        return plan

    def _check(self, exchange: Exchange, plan: KeyPlan) -> Step:
        if plan.rate_counter:
            verdict = self._rate(plan.rate_counter, plan.rate, plan.per_s, plan.version, False, plan.smoothing)
            if not isinstance(verdict, RateVerdict):
                return self._check_later(exchange, plan, verdict)
            if self._tells_rate:
                exchange.rate = (int(plan.rate), verdict.remaining, int(verdict.reset_at_s))
            if not verdict.allowed:
                return self._try_again(exchange, plan) if plan.retries > 0 else RATE_EXCEEDED
        return self._check_quota(exchange, plan)

    async def _check_later(self, exchange: Exchange, plan: KeyPlan, counting: Awaitable[RateVerdict]) -> Outcome:
        verdict = await counting
        if self._tells_rate:
            exchange.rate = (int(plan.rate), verdict.remaining, int(verdict.reset_at_s))
        if not verdict.allowed:
            return await self._try_again(exchange, plan) if plan.retries > 0 else RATE_EXCEEDED
        step = self._check_quota(exchange, plan)
        return await step if isinstance(step, Awaitable) else step

    def _check_quota(self, exchange: Exchange, plan: KeyPlan) -> Step:
        if not plan.quota_counter:
            exchange.quota = plan.shown_quota
            return None
        verdict = self._quota(plan.quota_counter, plan.quota_max, plan.quota_renewal_s)
        if not isinstance(verdict, QuotaVerdict):
            return self._check_quota_later(exchange, plan, verdict)
        exchange.quota = (plan.quota_max, verdict.remaining, int(verdict.renews_at_s))
        return None if verdict.allowed else QUOTA_EXCEEDED

    async def _check_quota_later(self, exchange: Exchange, plan: KeyPlan, counting: Awaitable[QuotaVerdict]) -> Outcome:
        verdict = await counting
        exchange.quota = (plan.quota_max, verdict.remaining, int(verdict.renews_at_s))
        return None if verdict.allowed else QUOTA_EXCEEDED

    async def _try_again(self, exchange: Exchange, plan: KeyPlan) -> Outcome:
        """Wait until there is room, then count again; give up when the key's patience is over."""
        once = replace(plan, retries=0)
        for _ in range(plan.retries):
            await asyncio.sleep(plan.retry_interval_s)
            asking = self._rate(plan.rate_counter, plan.rate, plan.per_s, plan.version, True, plan.smoothing)
            if not (asking if isinstance(asking, RateVerdict) else await asking).allowed:
                continue
            step = self._check(exchange, once)
            outcome = await step if isinstance(step, Awaitable) else step
            if outcome is not RATE_EXCEEDED:
                return outcome
        return RATE_EXCEEDED
