"""Marks endpoints that are recorded under the name of their pattern, and those that are not recorded.

Asked for by `extended_paths.track_endpoints` and `do_not_track_endpoints` (contract 06.4 #12). With analytics off, or
`do_not_track` on the whole API, there is nothing to mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sluicegate.chain.endpoints import Endpoint, Endpoints
from sluicegate.chain.middleware import Middleware

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import TrackEndpointMeta, VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services


class TrackEndpoint(Middleware):
    """Sets `exchange.tracked_path` and `exchange.tracked`."""

    name = "TrackEndpointMiddleware"

    def __init__(self, tracked: Endpoints[str], untracked: Endpoints[str]) -> None:
        self._tracked = tracked
        self._untracked = untracked

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when an endpoint is in one of the lists and records are made at all."""
        if not version.use_extended_paths or not services.settings.enable_analytics or api.classic.do_not_track:
            return None
        paths = version.extended_paths
        tracked = Endpoints(_entries(paths.track_endpoints), services.settings, version)
        untracked = Endpoints(_entries(paths.do_not_track_endpoints), services.settings, version)
        return cls(tracked, untracked) if tracked or untracked else None

    def on_request(self, exchange: Exchange) -> None:
        """Note how this request is to be recorded."""
        if self._tracked and (pattern := self._tracked.find(exchange)) is not None:
            exchange.tracked_path = pattern
        if self._untracked and self._untracked.find(exchange) is not None:
            exchange.tracked = False


def _entries(entries: Iterable[TrackEndpointMeta]) -> list[Endpoint[str]]:
    return [Endpoint(entry.path, entry.method, entry.path) for entry in entries if not entry.disabled]
