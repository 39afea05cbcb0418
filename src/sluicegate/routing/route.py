"""A Route: an API made ready to serve."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_to_bytes

import msgspec

from sluicegate.apidef.oas.document import EXTENSION
from sluicegate.apidef.pattern import Pattern, compile_pattern
from sluicegate.routing.template import template_pattern

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.chain.chain import Chain, OwnEndpoints
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.outcome import Rejection
    from sluicegate.routing.versions import Versions

PATH_SAFE = "/:@!$&'()*+,;=~"
"""What a path may hold besides letters and digits (RFC 3986 section 3.3)."""


class Route:
    """One API, or one version of it.

    listen_path: where it is served; with a suffix when several APIs asked for the same (contract 02.0).
    chain:       its steps; None when a version has to be chosen first, with `versions`.
    upstream:    upstream.upstream.Upstream; None where nothing is proxied.
    loops_to:    the `tyk://` URL that is the API's target, if it has such a one.
    passes_options: OPTIONS requests go around the chain.
    checks:      health checks that its upstreams ask for, those of all versions; empty in the route of a version.
    own_endpoints: endpoints of the gateway's own, if the API asks for any.
    is_plain:    there is nothing to ask before the chain: no version to choose, no limit of bodies, no way around, and
                 no endpoint of our own.
    """

    versions: Versions | None = None
    chain: Chain | None = None
    upstream: Any = None
    loops_to = ""
    checks: tuple[Any, ...] = ()
    own_endpoints: OwnEndpoints | None = None
    passes_options = False
    is_plain = False

    def __init__(self, api: Api, listen_path: str, *, is_strict: bool, domain: str, body_limit_bytes: int) -> None:
        classic = api.classic
        self.api = api
        self.api_id, self.org_id, self.name = classic.api_id, classic.org_id, classic.name
        self.listen_path = listen_path
        self.listen_prefix = listen_path.encode("utf-8", "surrogateescape")
        self.strip_listen_path = classic.proxy.strip_listen_path
        self.listen_port = classic.listen_port
        self.domain = domain
        self.body_limit_bytes = body_limit_bytes
        self.is_routed = not api.problem and not classic.internal
        self.template: Pattern | None = None
        if "{" in listen_path or "}" in listen_path:
            self.template = compile_pattern(f"^{template_pattern(listen_path, '/')}")
        self.host_template: Pattern | None = None
        if "{" in domain or "}" in domain:
            self.host_template = compile_pattern(f"^{template_pattern(domain, '.')}$")
        # A listen path that ends in a slash, or holds a template, is never strict (contract 01.6).
        self.is_strict = is_strict and not listen_path.endswith("/") and self.template is None

    @property
    def served_api(self) -> Api:
        """The definition with the listen path that it is served at."""
        if self.listen_path == self.api.classic.proxy.listen_path:
            return self.api
        proxy = msgspec.structs.replace(self.api.classic.proxy, listen_path=self.listen_path)
        oas = listening_at(self.api.oas, self.listen_path) if self.api.oas is not None else None
        return replace(self.api, classic=msgspec.structs.replace(self.api.classic, proxy=proxy), oas=oas)

    def misses(self, path: bytes) -> bool:
        """Return whether a strict listen path is only the beginning of a longer segment (`/app` of `/apple`)."""
        size = len(self.listen_prefix)
        return len(path) > size and path[size : size + 1] != b"/" and path.startswith(self.listen_prefix)

    def relative(self, path: str) -> str:
        """Return a path without the listen path; it always begins with a slash."""
        if self.template is not None:
            found = self.template.search(path)
            rest = path[len(found[0]) :] if found is not None else path
        else:
            rest = path.removeprefix(self.listen_path)
        return rest if rest.startswith("/") else "/" + rest

    def stripped(self, path: bytes) -> bytes:
        """Return an escaped path without the listen path; it always begins with a slash."""
        if self.template is not None:
            return self.relative(path.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        rest = path.removeprefix(self.listen_prefix)
        if len(rest) == len(path) and b"%" in path:
            plain = unquote_to_bytes(path)  # the listen path itself may be written with escapes
            if plain.startswith(self.listen_prefix):
                rest = quote(plain[len(self.listen_prefix) :], safe=PATH_SAFE).encode()
        return rest if rest.startswith(b"/") else b"/" + rest

    def unversioned(self, relative: str, version_name: str) -> str:
        """Return a relative path without the version, where that stands in the path."""
        versions = self.versions
        if versions is None or not versions.in_path or not version_name:
            return relative
        return versions.without_segment(relative)

    def without_version(self, path: bytes, query: bytes, version_name: str) -> tuple[bytes, bytes]:
        """Return path and query as the upstream gets them when versioning data is stripped."""
        versions = self.versions
        if versions is None:
            return path, query
        return versions.strip(self, path, query)

    def upstreams(self) -> set[Any]:
        """Return the upstreams of all its versions."""
        found = {self.upstream}
        if self.versions is not None:
            found |= {route.upstream for route in self.versions.routes.values()}
        return found - {None}

    def choose_version(self, exchange: Exchange) -> Route | Rejection:
        """Return the route of the version that a request asks for."""
        assert self.versions is not None
        return self.versions.choose(exchange)

    def loop_url(self, exchange: Exchange) -> bytes:
        """Return where a request goes on when the target is another API of this node (contract 06.5)."""
        path = self.stripped(exchange.path) if self.strip_listen_path else exchange.path
        base = self.loops_to.rstrip("/").encode() + b"/" + path.lstrip(b"/")
        return base + b"?" + exchange.query if exchange.query else base


def listening_at(document: dict[str, Any], listen_path: str) -> dict[str, Any]:
    """Return an OpenAPI document with another listen path in its extension."""
    extension = document.get(EXTENSION) or {}
    server = extension.get("server") or {}
    server = {**server, "listenPath": {**(server.get("listenPath") or {}), "value": listen_path}}
    return {**document, EXTENSION: {**extension, "server": server}}
