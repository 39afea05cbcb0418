"""Gives the request another method on its way to the upstream.

Asked for by `extended_paths.method_transforms` (contract 09.5). The entry is found by the method that was received, and
so are all others: only the upstream sees the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sluicegate.chain.endpoints import Endpoint, Endpoints
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

NOT_A_METHOD = Rejection(405, "Method not allowed", "method_transform_unknown")

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"))


class TransformMethod(Middleware):
    """Sets `exchange.method`; an entry whose method HTTP does not know rejects its requests."""

    name = "TransformMethod"

    def __init__(self, endpoints: Endpoints[bytes | Rejection]) -> None:
        self._endpoints = endpoints

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when an endpoint's method is to be changed."""
        if not version.use_extended_paths:
            return None
        endpoints: Endpoints[bytes | Rejection] = Endpoints(
            [
                Endpoint(one.path, one.method, _method_of(one.to_method))
                for one in version.extended_paths.method_transforms
                if not one.disabled
            ],
            services.settings,
            version,
        )
        return cls(endpoints) if endpoints else None

    def on_request(self, exchange: Exchange) -> Outcome:
        """Change the method, or say that there is no such one."""
        found = self._endpoints.find(exchange)
        if isinstance(found, Rejection):
            return found
        if found is not None:
            exchange.method = found
        return None


def _method_of(text: str) -> bytes | Rejection:
    method = text.upper()
    return method.encode() if method in METHODS else NOT_A_METHOD
