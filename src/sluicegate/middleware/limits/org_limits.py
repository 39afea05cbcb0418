"""Counts what an organisation does over all its APIs: its rate, then its quota.

Asked for by `enforce_org_quotas` of the settings (contract 06.4 #9); what is limited stands in the organisation's
session. An organisation without one is not limited. Every refusal is 403, also that of the rate. With
`experimental_process_org_off_thread` all refusals have the one text that Tyk has there; they are as exact as without.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Self

from sluicegate.apidef.session import Session
from sluicegate.chain.counter_names import org_counter
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection, Step
from sluicegate.chain.store_failure import limiter_of
from sluicegate.store import names
from sluicegate.store.limiter import LONGEST_WINDOW_S, Limiter, QuotaVerdict, RateVerdict

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

ADVICE = ", please contact your API administrator"
INACTIVE = Rejection(403, "this organisation access has been disabled" + ADVICE, "org_inactive")
RATE_EXCEEDED = Rejection(403, "This organisation rate limit has been exceeded" + ADVICE, "org_rate_limited", "RLT")
QUOTA_EXCEEDED = Rejection(403, "This organisation quota has been exceeded" + ADVICE, "org_quota_exceeded", "QEX")
COMMON_TEXT = "This organization access has been disabled or quota/rate limit is exceeded" + ADVICE


class OrgLimits(Middleware):
    """Rejects requests to the APIs of an organisation that is over its limits."""

    name = "OrganizationMonitor"
    runs_when_ignored = False
    runs_when_looped = False

    def __init__(self, org_id: str, limiter: Limiter, services: Services) -> None:
        counter = org_counter(org_id, services.settings)
        self._org_id = org_id
        self._rate_counter = names.rate_limit(counter)
        self._quota_counter = names.quota(counter)
        self._find = services.keys.find_org
        self._limiter = limiter
        self._has_common_text = services.settings.experimental_process_org_off_thread

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when the settings ask for it and the API belongs to somebody."""
        org_id = api.classic.org_id
        if not services.settings.enforce_org_quotas or not org_id:
            return None
        return cls(org_id, limiter_of(api, services), services)

    def on_request(self, exchange: Exchange) -> Step:
        """Count the request, or reject it."""
        session = self._find(self._org_id)
        if isinstance(session, Session):
            return self._check(session)
        return None if session is None else self._wait_for_session(session)

    async def _wait_for_session(self, finding: Awaitable[Session | None]) -> Outcome:
        session = await finding
        step = None if session is None else self._check(session)
        return await step if isinstance(step, Awaitable) else step

    def _check(self, session: Session) -> Step:
        if session.is_inactive:
            return self._told(INACTIVE)
        if session.rate > 0 and session.per > 0:
            per_s = min(session.per, LONGEST_WINDOW_S)
            verdict = self._limiter.rate(self._rate_counter, session.rate, per_s, session.last_updated)
            if not isinstance(verdict, RateVerdict):
                return self._wait_for_rate(session, verdict)
            if not verdict.allowed:
                return self._told(RATE_EXCEEDED)
        return self._check_quota(session)

    async def _wait_for_rate(self, session: Session, counting: Awaitable[RateVerdict]) -> Outcome:
        if not (await counting).allowed:
            return self._told(RATE_EXCEEDED)
        step = self._check_quota(session)
        return await step if isinstance(step, Awaitable) else step

    def _check_quota(self, session: Session) -> Step:
        if session.quota_max <= 0:
            return None
        renewal_s = min(session.quota_renewal_rate, LONGEST_WINDOW_S)
        verdict = self._limiter.quota(self._quota_counter, session.quota_max, renewal_s)
        if not isinstance(verdict, QuotaVerdict):
            return self._wait_for_quota(verdict)
        return None if verdict.allowed else self._told(QUOTA_EXCEEDED)

    async def _wait_for_quota(self, counting: Awaitable[QuotaVerdict]) -> Outcome:
        return None if (await counting).allowed else self._told(QUOTA_EXCEEDED)

    def _told(self, rejection: Rejection) -> Rejection:
        return rejection.saying(COMMON_TEXT) if self._has_common_text else rejection
