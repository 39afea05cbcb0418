"""Limits how long the upstream may take for the whole exchange (contract 09.13).

Asked for by `extended_paths.hard_timeouts` for single endpoints (`duration`, or else `timeout` in seconds), and for all
others by `global_enforce_timeout`, unless `global_enforce_timeout_disabled`. The dispatcher keeps the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sluicegate.chain.endpoints import Endpoint, Endpoints
from sluicegate.chain.middleware import Middleware

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services


class HardTimeout(Middleware):
    """Sets `exchange.timeout_s`."""

    name = "HardTimeout"

    def __init__(self, everywhere_s: float, endpoints: Endpoints[float]) -> None:
        self._everywhere_s, self._endpoints = everywhere_s, endpoints

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when there is a timeout anywhere."""
        everywhere_s = (
            0.0 if version.global_enforce_timeout_disabled else max(0.0, float(version.global_enforce_timeout))
        )
        entries = version.extended_paths.hard_timeouts if version.use_extended_paths else ()
        endpoints = Endpoints(
            [
                Endpoint(one.path, one.method, float(one.duration if one.duration > 0 else one.timeout))
                for one in entries
                if not one.disabled and (one.duration > 0 or one.timeout > 0)
            ],
            services.settings,
            version,
        )
        return cls(everywhere_s, endpoints) if everywhere_s or endpoints else None

    def on_request(self, exchange: Exchange) -> None:
        """Set the time that the upstream has."""
        timeout_s = self._endpoints.find(exchange) if self._endpoints else None
        exchange.timeout_s = self._everywhere_s if timeout_s is None else timeout_s
