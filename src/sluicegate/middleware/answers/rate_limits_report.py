"""Tells a key what its limits are, and what is left of its quota: `<listen path>/tyk/rate-limits/` (contract 04.11).

Runs for every API that is not `use_keyless`, behind the checks of the key and before anything is counted (contract
06.4), so asking costs nothing of the quota.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import msgspec

from sluicegate.chain.key_plan import KeyPlan, Planner
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Reply, Step

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

PATH = "/tyk/rate-limits/"
PATH_BYTES = PATH.encode()
TAIL = slice(-len(PATH_BYTES), None)


class RateLimitsReport(Middleware):
    """Answers one path below the listen path of a keyed API."""

    name = "RateLimitsReport"
    runs_when_ignored = False

    def __init__(self, planner: Planner, services: Services) -> None:
        self._planner = planner
        self._limiter = services.limiter

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step unless the API is open."""
        if api.classic.use_keyless:
            return None
        return cls(Planner(api.api_id, True, True, services.settings), services)

    def on_request(self, exchange: Exchange) -> Step:
        """Answer when this is the path."""
        if exchange.request.path[TAIL] != PATH_BYTES or exchange.match_paths[0] != PATH:
            return None
        session = exchange.session
        assert session is not None  # KeyExpired has seen to it
        return self._report(self._planner.plan(session, exchange.key_hash))

    async def _report(self, plan: KeyPlan) -> Outcome:
        quota_max, remaining, renews = plan.shown_quota
        counted = await self._limiter.quota_used(plan.quota_counter) if plan.quota_counter else None
        if counted is not None:
            used, renews_at_s = counted
            remaining, renews = max(0, quota_max - used), int(renews_at_s)
        body = {
            "quota": {"quota_max": quota_max, "quota_remaining": remaining, "quota_renews": renews},
            "rate_limit": {"requests": _number(plan.rate), "per_unit": _number(plan.per_s)},
        }
        text = msgspec.json.encode(body) + b"\n"  # as the gateway API writes its answers
        return Reply(200, [(b"Content-Type", b"application/json")], text, tracked=False)


def _number(value: float) -> int | float:
    """Return a number as Go writes it: without a fraction where there is none."""
    return int(value) if value.is_integer() else value
