"""Refuses requests whose stated length is over a limit of the version or of the endpoint.

Asked for by `global_size_limit` and `extended_paths.size_limits` (contract 06.4 #10). The body has to say how long it
is; methods that carry none as a rule are not looked at. The limit of the whole gateway (413) is the listener's.
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

LENGTH_REQUIRED = Rejection(411, "Content length is required for this request", "content_length_missing", "CLM")
TOO_LARGE = Rejection(400, "Request is too large", "body_too_large", "BTL")

BODILESS_METHODS = frozenset((b"GET", b"DELETE", b"TRACE", b"OPTIONS", b"HEAD"))


class RequestSize(Middleware):
    """Size limits in bytes: one for the version, more for single endpoints; both count."""

    name = "RequestSizeLimitMiddleware"

    def __init__(self, limit_bytes: int, endpoint_limits: Endpoints[int]) -> None:
        self._limit_bytes = limit_bytes
        self._endpoint_limits = endpoint_limits

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when there is a limit of either kind."""
        limit_bytes = 0 if version.global_size_limit_disabled else max(0, version.global_size_limit)
        entries = [
            Endpoint(entry.path, entry.method, entry.size_limit)
            for entry in version.extended_paths.size_limits
            if version.use_extended_paths and not entry.disabled
        ]
        if not limit_bytes and not entries:
            return None
        return cls(limit_bytes, Endpoints(entries, services.settings, version))

    def on_request(self, exchange: Exchange) -> Outcome:
        """Compare the Content-Length with the limits that count for this request."""
        request = exchange.request
        if request.method in BODILESS_METHODS:
            return None
        endpoint_limit = self._endpoint_limits.find(exchange)
        if not self._limit_bytes and endpoint_limit is None:
            return None
        if not request.has_length:
            return LENGTH_REQUIRED
        length = request.content_length or 0
        if self._limit_bytes and length > self._limit_bytes:
            return TOO_LARGE
        return TOO_LARGE if endpoint_limit is not None and length > endpoint_limit else None
