"""From a definition to a Route: its chain, its upstream, its versions. At load time, never during a request.

A definition that has not changed keeps its Route, with its connections, breakers and counters (contract 02.0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import VersionInfo
from sluicegate.chain.chain import NO_STEPS, Chain, OwnEndpoints
from sluicegate.chain.outcome import Rejection
from sluicegate.errors import ConfigError
from sluicegate.middleware import ORDER, OWN_ENDPOINTS, RESPONSE_ORDER
from sluicegate.routing.route import Route
from sluicegate.routing.versions import AMBIGUOUS, NO_DEFAULT, VERSION_EXPIRED, Expiry, Versions
from sluicegate.upstream.upstream import Upstream, UpstreamParts

if TYPE_CHECKING:
    from sluicegate.chain.services import Services
    from sluicegate.settings.model import Settings

SERVED_PROTOCOLS = ("", "http", "https")
IMPLICIT_VERSIONS = ("Default", "default", "")


class Builder:
    """Builds routes for one worker.

    find_child: returns the route of an API by its id, in the table of the moment.
    """

    def __init__(self, services: Services, parts: UpstreamParts, find_child: Callable[[str], Route | None]) -> None:
        self.services, self.parts, self.find_child = services, parts, find_child

    def with_settings(self, settings: Settings) -> Builder:
        """Return a builder that goes by other settings, and uses the same parts."""
        return Builder(replace(self.services, settings=settings), self.parts, self.find_child)

    def build(self, api: Api, listen_path: str) -> Route:
        """Return the route of a definition. Raises ConfigError; nothing is left behind then."""
        classic = api.classic
        if classic.protocol not in SERVED_PROTOCOLS:
            raise ConfigError(f"{api.source}: protocol", f"{classic.protocol!r} is not served by this version")
        route = self._route(api, listen_path)
        if api.problem:
            route.chain = NO_STEPS
        elif classic.version_data.not_versioned or classic.definition.enabled:
            self._build_single(route, api)
        else:
            self._build_versions(route, api)
        if not api.problem:
            route.own_endpoints = self._own_endpoints(api)
            route.is_plain = route.is_plain and route.own_endpoints is None
        route.checks = tuple(check for upstream in route.upstreams() for check in upstream.checks)
        return route

    def _route(self, api: Api, listen_path: str) -> Route:
        settings = self.services.settings
        classic = api.classic
        custom = settings.enable_custom_domains and not classic.domain_disabled
        return Route(
            api,
            listen_path,
            is_strict=settings.http_server_options.enable_strict_routes,
            domain=classic.domain if custom else "",
            body_limit_bytes=settings.http_server_options.max_request_body_size,
        )

    def _build_single(self, route: Route, api: Api) -> None:
        version = only_version(api)
        unclear = version if isinstance(version, Rejection) else None
        version = VersionInfo() if isinstance(version, Rejection) else version
        told_end = end_to_tell(version)
        if not (api.classic.definition.enabled or api.classic.expiration or unclear or told_end):
            self._equip(route, api, version)
            return
        served = self._route(api, route.listen_path)
        self._equip(served, api, version)
        route.versions = served.versions = Versions(
            api.classic, {"": served}, {}, self.find_child, unclear=unclear, told_end=told_end
        )

    def _build_versions(self, route: Route, api: Api) -> None:
        routes: dict[str, Route] = {}
        expiries: dict[str, Expiry] = {}
        for name, version in api.classic.version_data.versions.items():
            served = self._route(api, route.listen_path)
            self._equip(served, with_target(api, version), version)
            routes[name] = served
            expiries[name] = Expiry(version.expires, VERSION_EXPIRED, f"version_data.versions.{name}.expires")
        versions = Versions(api.classic, routes, expiries, self.find_child, self.services.settings.version_header)
        for one in (route, *routes.values()):
            one.versions = versions

    def _own_endpoints(self, api: Api) -> OwnEndpoints | None:
        """Return what is asked for of the gateway's own endpoints."""
        built = [one.from_definition(api, VersionInfo(), self.services) for one in OWN_ENDPOINTS]
        last = built[-1]
        return OwnEndpoints(last.owns, [one for one in built if one is not None]) if last is not None else None

    def _equip(self, route: Route, api: Api, version: VersionInfo) -> None:
        """Give a route its chain and its upstream."""
        built = {one: one.from_definition(api, version, self.services) for one in dict.fromkeys(ORDER + RESPONSE_ORDER)}
        route.chain = Chain(
            [step for one in ORDER if (step := built[one]) is not None],
            [step for one in RESPONSE_ORDER if (step := built[one]) is not None],
        )
        cors = api.classic.cors
        route.passes_options = cors.enable and cors.options_passthrough
        route.is_plain = not route.passes_options and not route.body_limit_bytes
        if api.classic.proxy.target_url.strip().startswith("tyk://"):
            route.loops_to = api.classic.proxy.target_url.strip()
        else:
            route.upstream = Upstream(api, self.services.settings, self.parts)


def only_version(api: Api) -> VersionInfo | Rejection:
    """Return the version of an API that has but one, or why it cannot be told which that is (contract 06.3)."""
    versions: Mapping[str, VersionInfo] = api.classic.version_data.versions
    named = [versions[name] for name in IMPLICIT_VERSIONS if name in versions]
    if len(named) > 1:
        return AMBIGUOUS
    if len(versions) == 1:
        return next(iter(versions.values()))
    return named[0] if named else NO_DEFAULT


def why_closed(api: Api) -> str:
    """Return why an API refuses every request, for want of a version that counts (contract 06.3); "" if it does not."""
    if api.problem:
        return ""
    data = api.classic.version_data
    if not data.not_versioned:
        return "" if data.versions or api.classic.definition.enabled else "there is none"
    version = only_version(api)
    return f"{version.message}; have only one, or one named Default" if isinstance(version, Rejection) else ""


def end_to_tell(version: VersionInfo) -> Expiry | None:
    """Return the end of an API's only version, which has no effect but that clients are told of it (contract 06.3)."""
    try:
        end = Expiry(version.expires, VERSION_EXPIRED, "")
    except ConfigError:
        return None
    return end if end.at_s else None


def with_target(api: Api, version: VersionInfo) -> Api:
    """Return the API with the target that a version has of its own."""
    if not version.override_target:
        return api
    proxy = msgspec.structs.replace(api.classic.proxy, target_url=version.override_target, enable_load_balancing=False)
    return replace(api, classic=msgspec.structs.replace(api.classic, proxy=proxy))


def close(route: Route) -> None:
    """Let go of a route that no table holds any more.

    Nothing of it goes round in circles then, so it is gone with its last request, without the cyclic garbage collector,
    whose pauses grow with the number of APIs (see `routing.slices`). Versions have been chosen by then.
    """
    for upstream in route.upstreams():
        upstream.close()
    if route.versions is not None:
        route.versions.routes = {}
