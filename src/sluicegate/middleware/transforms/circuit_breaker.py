"""Keeps requests from an upstream that fails too often (contract 09.12).

Asked for by `extended_paths.circuit_breakers`: each entry has one breaker, shared by all requests that it is for. Last
in the chain, since an open breaker lets single requests through as probes, and each of those must reach the upstream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sluicegate.chain.endpoints import Endpoint, Endpoints
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection
from sluicegate.upstream.breaker import Breaker

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import CircuitBreakerMeta, VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

OPEN = Rejection(503, "Service temporarily unavailable.", "circuit_breaker_open", flag="CBO")


class CircuitBreaker(Middleware):
    """Sets `exchange.breaker`, which is told how the exchange ends, or rejects while the breaker is open."""

    name = "CircuitBreaker"

    def __init__(self, endpoints: Endpoints[Breaker]) -> None:
        self._endpoints = endpoints

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when an endpoint has a breaker."""
        if not version.use_extended_paths:
            return None
        entries = [one for one in version.extended_paths.circuit_breakers if not one.disabled]
        endpoints = Endpoints(
            [Endpoint(one.path, one.method, _breaker(api, one, services)) for one in entries],
            services.settings,
            version,
        )
        return cls(endpoints) if endpoints else None

    def on_request(self, exchange: Exchange) -> Outcome:
        """Have a breaker watch the exchange, unless it goes on in another chain."""
        breaker = self._endpoints.find(exchange)
        if breaker is None or (exchange.url is not None and exchange.url.startswith(b"tyk://")):
            return None
        if not breaker.allows():
            return OPEN
        exchange.breaker = breaker
        return None


def _breaker(api: Api, entry: CircuitBreakerMeta, services: Services) -> Breaker:
    def tell(event: str) -> None:
        services.log("warning", event, api_id=api.api_id, path=entry.path, method=entry.method)

    return Breaker(
        entry.threshold_percent, entry.samples, entry.return_to_service_after, not entry.disable_half_open_state, tell
    )
