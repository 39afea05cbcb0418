"""Which version of an API a request asks for (contract 02.4, 06.3).

    classic       versions stand in the definition, each with paths and target of its own
    by child API  versions are APIs themselves; the base names them

The version is named by a header, a query parameter or the first segment of the path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from sluicegate.apidef.pattern import Pattern, compile_pattern
from sluicegate.chain.outcome import Rejection
from sluicegate.clock import now
from sluicegate.errors import ConfigError
from sluicegate.wire.headers import canonical
from sluicegate.wire.http1_read import RequestHead

if TYPE_CHECKING:
    from sluicegate.apidef.classic import APIDefinition
    from sluicegate.chain.exchange import Exchange
    from sluicegate.routing.route import Route

NOT_SAID = Rejection(403, "Version information not found", code="version_missing")
UNKNOWN = Rejection(403, "This API version does not seem to exist", code="version_unknown")
AMBIGUOUS = Rejection(403, "Ambiguous default API version for this non-versioned API", code="version_ambiguous")
NO_DEFAULT = Rejection(403, "No default API version for this non-versioned API found", code="version_default_missing")
UNKNOWN_CHILD = Rejection(404, "This API version does not seem to exist", code="version_not_loaded")
NO_FALLBACK = Rejection(500, "Internal Server Error", code="version_fallback_missing")
API_EXPIRED = Rejection(403, "API has expired, please check documentation or contact administrator", code="api_expired")
VERSION_EXPIRED = Rejection(
    403, "Api Version has expired, please check documentation or contact administrator", code="version_expired"
)
EXPIRY_HEADER = b"X-Tyk-Api-Expires"


class Expiry:
    """When something ends."""

    def __init__(self, text: str, rejection: Rejection, where: str) -> None:
        self.rejection = rejection
        moment = parse_expiry(text, where)
        self.at_s = moment.timestamp() if moment else 0.0
        self.header = ((EXPIRY_HEADER, moment.strftime("%a, %d %b %Y %H:%M:%S UTC").encode()),) if moment else ()

    def check(self, exchange: Exchange) -> Rejection | None:
        """Return a rejection after the end; before it, announce it."""
        return self.rejection if self.at_s and not self.announce(exchange) else None

    def announce(self, exchange: Exchange) -> bool:
        """Say when the end is, and return whether it is ahead."""
        is_ahead = now() <= self.at_s
        if is_ahead:
            exchange.response_headers += self.header
        return is_ahead


def parse_expiry(text: str, where: str) -> datetime | None:
    """Return the moment of `YYYY-MM-DD HH:MM` (UTC), or None for never (empty or `-1`). Raises ConfigError."""
    if text in ("", "-1"):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    except ValueError:
        raise ConfigError(where, f"not a moment: {text!r}", "write it as 2030-12-31 23:59") from None


class Versions:
    """The versions of one API, ready to choose from.

    routes:      by version name; of child APIs only what the base itself serves.
    find_child:  returns the route of a child API by its id, in the table of the moment.
    told_in:     the header that tells clients which version they got without asking for one (contract 06.7), or "".
    unclear:     why it cannot be told which version counts, where the API itself has but one.
    told_end:    the end of that one version; clients are told of it, and no more.
    """

    def __init__(
        self,
        definition: APIDefinition,
        routes: Mapping[str, Route],
        expiries: Mapping[str, Expiry],
        find_child: Callable[[str], Route | None],
        told_in: str = "",
        unclear: Rejection | None = None,
        told_end: Expiry | None = None,
    ) -> None:
        self.unclear, self.told_end = unclear, told_end
        chosen = definition.definition
        self.routes, self.expiries, self.find_child = routes, expiries, find_child
        self.told_in = canonical(told_in.encode("latin-1", "replace"))
        self.by_child = chosen.enabled
        self.children = chosen.versions
        self.own_name = chosen.name
        self.default = chosen.default if chosen.enabled else definition.version_data.default_version
        self.falls_back = chosen.fallback_to_default
        self.single = definition.version_data.not_versioned and not chosen.enabled
        self.api_expiry = Expiry(definition.expiration, API_EXPIRED, "expiration")
        location = chosen.location or "header"
        self.in_path, self.in_query = location == "url", location == "url-param"
        self.key = chosen.key or "x-api-version"
        self.header = self.key.lower().encode("latin-1", "replace")
        self.strips = chosen.strip_versioning_data or chosen.strip_path
        self.pattern: Pattern | None = None
        if chosen.url_versioning_pattern:
            self.pattern = compile_pattern(chosen.url_versioning_pattern)

    def choose(self, exchange: Exchange) -> Route | Rejection:
        """Return the route of the version that a request asks for, or why there is none."""
        if self.single:
            return self._the_only_one(exchange)
        name = self.asked_for(exchange)
        if self.by_child:
            return self._child(exchange, name)
        if not name:
            if not self.default:
                return NOT_SAID
            name = self.default
            if self.told_in:
                exchange.response_headers += ((self.told_in, name.encode("utf-8", "replace")),)
        route = self.routes.get(name)
        if route is None and self.falls_back and self.default:
            name = self.default
            route = self.routes.get(name)
        if route is None:
            return UNKNOWN
        return self._enter(exchange, name, route)

    def _the_only_one(self, exchange: Exchange) -> Route | Rejection:
        rejection = self.unclear or self.api_expiry.check(exchange)
        if rejection is None and self.told_end is not None and not self.api_expiry.at_s:
            self.told_end.announce(exchange)
        return rejection or self.routes[""]

    def _enter(self, exchange: Exchange, name: str, route: Route) -> Route | Rejection:
        rejection = self.expiries[name].check(exchange)
        if rejection is not None:
            return rejection
        exchange.version_name = name
        self._strip(exchange)
        return route

    def _child(self, exchange: Exchange, name: str) -> Route | Rejection:
        name = name or self.default
        if not name:
            return NOT_SAID
        found = self._find(name, exchange)
        if found is None:
            if not self.falls_back:
                return UNKNOWN_CHILD
            name = self.default
            found = self._find(name, exchange) if name else None
            if found is None:
                return NO_FALLBACK
        return self._enter_base(exchange) if found is exchange.route else self._enter_child(exchange, name, found)

    def _find(self, name: str, exchange: Exchange) -> Route | None:
        """Return the route of a version that is an API: the base that a request is at, or a child that is loaded."""
        if name in ("self", self.own_name):
            return exchange.route
        return self.find_child(self.children[name]) if name in self.children else None

    def _enter_base(self, exchange: Exchange) -> Route | Rejection:
        exchange.version_name = self.own_name
        self._strip(exchange)
        return self._the_only_one(exchange)

    def _enter_child(self, exchange: Exchange, name: str, child: Route) -> Route | Rejection:
        base = exchange.route
        request = exchange.request
        path = base.stripped(request.path) if base.strip_listen_path else request.path
        query = request.query
        if self.strips:
            path, query = self.strip(base, path, query)
        exchange.request = with_path(request, path, query)
        self._strip_header(exchange)
        exchange.version_name = name
        if child.versions is not None and child.versions.single:
            return child.versions._the_only_one(exchange)
        return child

    def _strip(self, exchange: Exchange) -> None:
        """Take the version out of the headers, or have it taken out of path and query on the way to the upstream."""
        exchange.strips_version = self.strips
        self._strip_header(exchange)

    def _strip_header(self, exchange: Exchange) -> None:
        if self.strips and not self.in_path and not self.in_query:
            exchange.headers.remove(self.header)

    def asked_for(self, exchange: Exchange) -> str:
        """Return the name of the version that a request names, or ""."""
        request = exchange.request
        if self.in_path:
            relative = exchange.route.relative(unquote(request.path.decode("latin-1")))
            return relative.lstrip("/").partition("/")[0]
        if self.in_query:
            for key, value in parse_qsl(request.query.decode("utf-8", "replace"), keep_blank_values=True):
                if key == self.key:
                    return value
            return ""
        return (request.headers.get(self.header) or b"").decode("latin-1")

    def without_segment(self, relative: str) -> str:
        """Return a relative path without its first segment, the version."""
        segment, slash, rest = relative.lstrip("/").partition("/")
        if self.pattern is not None and not self.pattern.found(segment):
            return relative
        return "/" + rest if slash else "/"

    def strip(self, route: Route, path: bytes, query: bytes) -> tuple[bytes, bytes]:
        """Return escaped path and query without the version. A bare `/<version>` stays (contract 06.3)."""
        if self.in_query:
            kept = [one for one in query.split(b"&") if unquote(one.partition(b"=")[0].decode("latin-1")) != self.key]
            return path, b"&".join(kept)
        if not self.in_path:
            return path, query
        listen = b"" if route.strip_listen_path or not path.startswith(route.listen_prefix) else route.listen_prefix
        segment, slash, rest = path[len(listen) :].lstrip(b"/").partition(b"/")
        if not slash or (self.pattern is not None and not self.pattern.found(segment.decode("latin-1"))):
            return path, query
        return listen.rstrip(b"/") + b"/" + rest, query


def with_path(request: RequestHead, path: bytes, query: bytes) -> RequestHead:
    """Return the same head with another path and query."""
    head = RequestHead(request.method, path + (b"?" + query if query else b""), request.version)
    head.__dict__.update({**request.__dict__, "target": head.target, "path": path, "query": query, "sent_as": None})
    return head
