"""The table: which Route takes a request, by port, host and path (contract 06.1). Built aside, swapped whole.

A path is looked up by its beginnings: all listen paths of a host are keys of one dictionary, and only lengths that
occur are tried, longest first. Ten thousand APIs cost what ten do. Listen paths with `{…}` are regular expressions,
tried in their place among the others.

A request whose host has a domain of its own meets the APIs of that domain first, then those without one. Every API is
also reached at `/<api_id>/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from sluicegate.routing.clean import loop_name

if TYPE_CHECKING:
    from sluicegate.apidef.pattern import Pattern
    from sluicegate.routing.route import Route


class PathTable:
    """The listen paths of one host."""

    def __init__(self) -> None:
        self.literal: dict[bytes, Route] = {}
        self.lengths: tuple[int, ...] = ()
        self.templated: list[tuple[int, Pattern, Route]] = []

    def add(self, route: Route) -> None:
        """Add a route at its listen path, which is no other's."""
        if route.template is None:
            self.literal.setdefault(route.listen_prefix, route)
        else:
            self.templated.append((len(route.listen_path), route.template, route))

    def settle(self) -> None:
        """Make ready for look-ups, when all routes have been added."""
        self.lengths = tuple(sorted({len(path) for path in self.literal}, reverse=True))
        self.templated.sort(key=lambda entry: template_length(entry[2].listen_path), reverse=True)

    def find(self, path: bytes) -> Route | None:
        """Return the route whose listen path is the longest beginning of a path."""
        size = len(path)
        literal = self.literal
        found = None
        for length in self.lengths:
            if length <= size:
                found = literal.get(path[:length])
                if found is not None:
                    break
        if self.templated:
            return self._templated(path, found)
        return found

    def _templated(self, path: bytes, found: Route | None) -> Route | None:
        text = path.decode("utf-8", "surrogateescape")
        least = len(found.listen_path) if found is not None else 0
        for _, pattern, route in self.templated:
            if template_length(route.listen_path) < least:
                break
            if pattern.found(text):
                return route
        return found


def template_length(listen_path: str) -> int:
    """Return a listen path's place in the order: segments that are only `{…}` count as their slash (contract 02.0)."""
    segments = listen_path.split("/")
    return sum(0 if one.startswith("{") and one.endswith("}") else len(one) for one in segments) + len(segments) - 1


def precedes(route: Route, other: Route) -> bool:
    """Return whether a route is asked before another one."""
    return template_length(route.listen_path) > template_length(other.listen_path)


class HostTable:
    """The hosts of one port."""

    def __init__(self, hostname: str) -> None:
        self.by_host: dict[str, PathTable] = {}
        self.patterns: list[tuple[Pattern, PathTable]] = []
        self.hostname = hostname
        self.anywhere = PathTable()

    def paths_for(self, route: Route) -> PathTable:
        """Return the paths of a route's domain, made when it is new."""
        if not route.domain:
            return self.anywhere
        paths = self.by_host.get(route.domain)
        if paths is None:
            paths = self.by_host[route.domain] = PathTable()
            if route.host_template is not None:
                self.patterns.append((route.host_template, paths))
        return paths

    def settle(self) -> None:
        """Make ready for look-ups."""
        for paths in (*self.by_host.values(), self.anywhere):
            paths.settle()

    def find(self, host: bytes, path: bytes) -> Route | None:
        """Return the route for a host and path."""
        if self.by_host or self.hostname:
            name = host_name(host)
            found = self._of_domain(name, path)
            if found is not None:
                return found
            if self.hostname and name != self.hostname:
                return None
        return self.anywhere.find(path)

    def _of_domain(self, name: str, path: bytes) -> Route | None:
        """Return the route with the longest listen path of all domains that the host matches (contract 02.0)."""
        paths = self.by_host.get(name)
        found = paths.find(path) if paths is not None else None
        for pattern, candidates in self.patterns:
            other = candidates.find(path) if pattern.found(name) else None
            if other is not None and (found is None or precedes(other, found)):
                found = other
        return found


def host_name(host: bytes) -> str:
    """Return the host without its port, as it was written: the match is case-sensitive (contract 06.1)."""
    text = host.decode("latin-1")
    if text.startswith("["):
        return text.partition("]")[0] + "]"
    return text.partition(":")[0]


class Table:
    """All routes in force, with the number of the configuration they come from.

    routes:     every API that is loaded, in the order of the listing; also those that are not routed.
    generation: only ever grows.
    nobody, control: routes that stand in for none, and for the admin API, in exchanges that need one.
    """

    def __init__(self, routes: Iterable[Route], *, port: int, hostname: str, nobody: Route, control: Route) -> None:
        self.routes: tuple[Route, ...] = ()
        self.nobody, self.control = nobody, control
        self.generation = 0
        self.by_id: dict[str, Route] = {}
        self._port, self._hostname = port, hostname
        self._ports: dict[int, HostTable] = {port: HostTable(hostname)}
        self._names: dict[str, Route] = {}
        for route in routes:
            self.add(route)
        self.settle()

    def add(self, route: Route) -> None:
        """Add a route; `settle` has to follow when all have been added."""
        self.by_id[route.api_id] = route
        self._names.setdefault(loop_name(route.name), route)
        self._names[route.api_id] = route
        if route.api.classic.id:
            self._names[route.api.classic.id] = route
        if route.is_routed:
            self._place(route)

    def _place(self, route: Route) -> None:
        hosts = self._ports.setdefault(route.listen_port or self._port, HostTable(self._hostname))
        paths = hosts.paths_for(route)
        paths.add(route)
        if route.api_id:
            paths.literal.setdefault(b"/%b/" % route.api_id.encode(), route)

    def settle(self) -> None:
        """Make ready for look-ups."""
        self.routes = tuple(self.by_id.values())
        for hosts in self._ports.values():
            hosts.settle()

    @property
    def ports(self) -> set[int]:
        """The ports that APIs are reached at, the gateway's own included."""
        return set(self._ports)

    def find(self, host: bytes, path: bytes, port: int) -> Route | None:
        """Return the route for a request, or None. Paths are compared unescaped."""
        hosts = self._ports.get(port)
        if hosts is None:
            return None
        if b"%" in path:
            path = unquote_to_bytes(path)
        found = hosts.find(host, path)
        # A strict listen path keeps what begins like it from everybody else too (contract 01.6).
        return None if found is not None and found.is_strict and found.misses(path) else found

    def by_name(self, name: str) -> Route | None:
        """Return the route that a `tyk://` host names: API id, database id, or looping name (contract 06.5)."""
        return self._names.get(name) or self._names.get(loop_name(name))
