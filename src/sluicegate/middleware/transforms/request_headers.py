"""Takes out and puts in headers of the request before it goes on (contract 09.4).

Asked for by `global_headers_remove` and `global_headers` (unless `global_headers_disabled`), then by
`extended_paths.transform_headers` for single endpoints. Values may hold variables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sluicegate.chain.endpoints import Endpoint, Endpoints
from sluicegate.chain.header_edits import NO_EDITS, HeaderEdits
from sluicegate.chain.middleware import Middleware

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services


class TransformRequestHeaders(Middleware):
    """Changes `exchange.headers`. Taking out X-Forwarded-For hides the client's address altogether (contract 06.8)."""

    name = "TransformHeaders"

    def __init__(self, everywhere: HeaderEdits, endpoints: Endpoints[HeaderEdits]) -> None:
        self._everywhere, self._endpoints = everywhere, endpoints

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when anything is to be changed. Raises ConfigError."""
        everywhere = NO_EDITS
        if not version.global_headers_disabled:
            everywhere = HeaderEdits(version.global_headers_remove, version.global_headers, "global_headers")
        entries = version.extended_paths.transform_headers if version.use_extended_paths else ()
        endpoints = Endpoints(
            [
                Endpoint(one.path, one.method, HeaderEdits(one.delete_headers, one.add_headers, "transform_headers"))
                for one in entries
                if not one.disabled
            ],
            services.settings,
            version,
        )
        return cls(everywhere, endpoints) if everywhere or endpoints else None

    def on_request(self, exchange: Exchange) -> None:
        """Change the headers: everywhere's first, then the endpoint's."""
        edits = self._everywhere
        if edits:
            edits.apply(exchange.headers, exchange)
            if edits.removes_forwarded_for:
                exchange.hides_client = True
        if self._endpoints and (found := self._endpoints.find(exchange)) is not None:
            found.apply(exchange.headers, exchange)
            if found.removes_forwarded_for:
                exchange.hides_client = True
