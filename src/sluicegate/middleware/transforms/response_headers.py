"""Takes out and puts in headers of the response before it leaves (contract 09.4).

Asked for, and done in this order, by `extended_paths.transform_response_headers` for single endpoints, by
`global_response_headers_remove` and `global_response_headers` (unless `global_response_headers_disabled`), and by each
`header_injector` of `response_processors`. The endpoint is that of the path as it was received.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from sluicegate.chain.endpoints import Endpoint, Endpoints
from sluicegate.chain.header_edits import HeaderEdits
from sluicegate.chain.middleware import Middleware
from sluicegate.errors import ConfigError

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import APIDefinition, VersionInfo
    from sluicegate.chain.exchange import Exchange, Response
    from sluicegate.chain.services import Services


class TransformResponseHeaders(Middleware):
    """Changes `response.headers`."""

    name = "HeaderInjector"

    def __init__(self, endpoints: Endpoints[HeaderEdits], everywhere: tuple[HeaderEdits, ...]) -> None:
        self._endpoints, self._everywhere = endpoints, everywhere

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when anything is to be changed. Raises ConfigError."""
        entries = version.extended_paths.transform_response_headers if version.use_extended_paths else ()
        where = "transform_response_headers"
        endpoints = Endpoints(
            [
                Endpoint(one.path, one.method, HeaderEdits(one.delete_headers, one.add_headers, where))
                for one in entries
                if not one.disabled
            ],
            services.settings,
            version,
        )
        everywhere = tuple(edits for edits in _everywhere(api.classic, version) if edits)
        return cls(endpoints, everywhere) if endpoints or everywhere else None

    def on_response(self, exchange: Exchange, response: Response) -> None:
        """Change the headers: the endpoint's first, then everywhere's."""
        if self._endpoints and (found := self._endpoints.find(exchange)) is not None:
            found.apply(response.headers, exchange)
        for edits in self._everywhere:
            edits.apply(response.headers, exchange)


def _everywhere(classic: APIDefinition, version: VersionInfo) -> Iterator[HeaderEdits]:
    if not version.global_response_headers_disabled:
        yield HeaderEdits(
            version.global_response_headers_remove, version.global_response_headers, "global_response_headers"
        )
    for processor in classic.response_processors:
        if processor.name == "header_injector":
            yield _of_options(processor.options)


def _of_options(options: Any) -> HeaderEdits:
    where = "response_processors: header_injector"
    given = options or {}
    added, removed = (
        (given.get("add_headers") or {}, given.get("remove_headers") or []) if isinstance(given, dict) else (0, 0)
    )
    if not isinstance(added, dict) or not isinstance(removed, list):
        raise ConfigError(where, "options must be an object", "with add_headers (names and values) and remove_headers")
    if not all(isinstance(one, str) for one in (*added.values(), *removed)):
        raise ConfigError(where, "header names and values must be texts")
    return HeaderEdits(removed, added, where)
