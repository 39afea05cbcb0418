"""Limits how often an API, or one endpoint of it, may be used by all callers together.

Asked for by `global_rate_limit` and `extended_paths.rate_limit`, unless `disable_rate_limit` is set (contract 07.8).
The first matching endpoint's limit takes the place of the API's. Open APIs are limited too. With a definition that was
changed a limit begins anew, as that of a key does that was written.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sluicegate.chain.counter_names import api_counter, endpoint_counter
from sluicegate.chain.endpoints import Endpoint, Endpoints
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection, Step
from sluicegate.chain.store_failure import limiter_of
from sluicegate.store import names
from sluicegate.store.limiter import LONGEST_WINDOW_S, Limiter, RateVerdict

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

RATE_EXCEEDED = Rejection(429, "API Rate Limit Exceeded", "api_rate_limited", flag="RLT")


@dataclass(frozen=True, slots=True)
class ApiLimit:
    """`rate` requests in `per_s` seconds, counted under `name`.

    version: the checksum of the definition, which all workers and nodes have alike.
    """

    name: str
    rate: float
    per_s: float
    version: str


class ApiLimits(Middleware):
    """Counts requests of an API."""

    name = "RateLimitForAPI"
    runs_when_ignored = False
    runs_when_looped = False

    def __init__(
        self, whole: ApiLimit | None, endpoints: Endpoints[ApiLimit], limiter: Limiter, tells_rate: bool
    ) -> None:
        self._whole = whole
        self._endpoints = endpoints
        self._count = limiter.rate
        self._tells_rate = tells_rate

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when there is a limit for the API or an endpoint."""
        classic = api.classic
        if classic.disable_rate_limit:
            return None
        every = classic.global_rate_limit
        whole = None
        if not every.disabled and every.rate > 0:
            whole = _limit(api, "", every.rate, every.per, services)
        entries = [
            Endpoint(
                entry.path,
                entry.method,
                _limit(
                    api,
                    endpoint_counter(entry.method, entry.path, services.settings),
                    entry.rate,
                    entry.per,
                    services,
                ),
            )
            for entry in version.extended_paths.rate_limit
            if version.use_extended_paths and not entry.disabled and entry.rate > 0 and entry.per > 0
        ]
        if whole is None and not entries:
            return None
        endpoints = Endpoints(entries, services.settings, version)
        return cls(whole, endpoints, limiter_of(api, services), services.tells_rate(api))

    def on_request(self, exchange: Exchange) -> Step:
        """Count the request, or reject it."""
        limit = (self._endpoints.find(exchange) if self._endpoints else None) or self._whole
        if limit is None:
            return None
        verdict = self._count(limit.name, limit.rate, limit.per_s, limit.version)
        if isinstance(verdict, RateVerdict):
            return self._decide(exchange, limit, verdict)
        return self._wait(exchange, limit, verdict)

    async def _wait(self, exchange: Exchange, limit: ApiLimit, counting: Awaitable[RateVerdict]) -> Outcome:
        return self._decide(exchange, limit, await counting)

    def _decide(self, exchange: Exchange, limit: ApiLimit, verdict: RateVerdict) -> Outcome:
        if self._tells_rate and exchange.rate is None:
            exchange.rate = (int(limit.rate), verdict.remaining, int(verdict.reset_at_s))
        return None if verdict.allowed else RATE_EXCEEDED


def _limit(api: Api, endpoint: str, rate: float, per_s: float, services: Services) -> ApiLimit:
    counter = api_counter(api.classic.org_id, api.api_id, endpoint, services.settings)
    return ApiLimit(names.rate_limit(counter), rate, min(per_s, LONGEST_WINDOW_S), api.checksum)
