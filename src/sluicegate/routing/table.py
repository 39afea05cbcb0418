"""The table: which Route takes a request, by port, host and path (contract 06.1). Built aside, swapped whole.

A path is looked up by its beginnings: all listen paths of a host are keys of one dictionary, and only lengths that
occur are tried, longest first. Ten thousand APIs cost what ten do. Listen paths with `{…}` are regular expressions,
tried in their place among the others.

A change copies the table in force, which is a copy of a few dictionaries, and then only what it touches: the paths of a
host are shared between tables until one of them changes.

A request whose host has a domain of its own meets the APIs of that domain first, then those without one. Every API is
also reached at `/<api_id>/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from sluicegate.routing.clean import loop_name
from sluicegate.routing.paths import PathTable, precedes

if TYPE_CHECKING:
    from sluicegate.apidef.pattern import Pattern
    from sluicegate.routing.route import Route


class HostTable:
    """The hosts of one port."""

    def __init__(self, hostname: str) -> None:
        self.by_host: dict[str, PathTable] = {}
        self.patterns: dict[str, Pattern] = {}
        self.hostname = hostname
        self.anywhere = PathTable()
        self._own: dict[str, PathTable] = {}  # those that no other table shares; "" are those of any host

    def copy(self) -> HostTable:
        """Return a table of the same hosts, to be changed."""
        copy = HostTable(self.hostname)
        copy.by_host, copy.patterns, copy.anywhere = self.by_host.copy(), self.patterns.copy(), self.anywhere
        return copy

    def __bool__(self) -> bool:
        """Return whether there is any path."""
        return bool(self.anywhere or self.by_host)

    def paths_for(self, route: Route) -> PathTable:
        """Return the paths of a route's domain, to be changed; `settle` has to follow."""
        paths = self._own.get(route.domain)
        if paths is None:
            shared = self.by_host.get(route.domain) if route.domain else self.anywhere
            paths = self._own[route.domain] = shared.copy() if shared is not None else PathTable()
            if not route.domain:
                self.anywhere = paths
                return paths
            self.by_host[route.domain] = paths
            if route.host_template is not None:
                self.patterns[route.domain] = route.host_template
        return paths

    def settle(self) -> None:
        """Make ready for look-ups, when all changes have been made. What is settled is not changed any more."""
        for domain, paths in self._own.items():
            paths.settle()
            if domain and not paths:
                del self.by_host[domain]
                self.patterns.pop(domain, None)
        self._own = {}

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
        for domain, pattern in self.patterns.items():
            other = self.by_host[domain].find(path) if pattern.found(name) else None
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
        self._named: dict[str, Route] = {}
        self._namesakes: dict[str, list[Route]] = {}
        self._touched: dict[int, HostTable] = self._ports.copy()
        for route in routes:
            self.add(route)
        self.settle()

    def copy(self) -> Table:
        """Return a table of the same routes, to be changed."""
        copy = Table((), port=self._port, hostname=self._hostname, nobody=self.nobody, control=self.control)
        copy.generation = self.generation
        copy.by_id, copy._ports = self.by_id.copy(), self._ports.copy()
        copy._named = self._named.copy()
        copy._namesakes = {name: routes.copy() for name, routes in self._namesakes.items()}
        return copy

    def add(self, route: Route) -> None:
        """Add a route; `settle` has to follow when all changes have been made."""
        self.by_id[route.api_id] = route
        if route.api.classic.id:
            self._named[route.api.classic.id] = route
        looped = loop_name(route.name)
        if self._named.setdefault(looped, route) is not route:
            self._namesakes.setdefault(looped, []).append(route)
        if route.is_routed:
            self._hosts_for(route).paths_for(route).add(route)

    def remove(self, route: Route) -> None:
        """Remove a route; `settle` has to follow."""
        del self.by_id[route.api_id]
        self._forget_names(route)
        if route.is_routed:
            self._hosts_for(route).paths_for(route).remove(route)

    def replace(self, old: Route, new: Route) -> None:
        """Put a route in the place of another one with the same id, claims included; `settle` has to follow."""
        if place_of(old) != place_of(new) or old.name != new.name or old.api.classic.id != new.api.classic.id:
            self.by_id[old.api_id] = new  # so that its place in the listing stays
            self._forget_names(old)
            if old.is_routed:
                self._hosts_for(old).paths_for(old).remove(old)
            self.add(new)
            return
        self.by_id[old.api_id] = new
        for name in (old.api.classic.id, loop_name(old.name)):
            if self._named.get(name) is old:
                self._named[name] = new
            elif old in (namesakes := self._namesakes.get(name, [])):
                namesakes[namesakes.index(old)] = new
        if old.is_routed:
            self._hosts_for(old).paths_for(old).replace(old, new)

    def _forget_names(self, route: Route) -> None:
        for name in {route.api.classic.id, loop_name(route.name)} - {""}:
            namesakes = self._namesakes.get(name, [])
            if self._named.get(name) is not route:
                if route in namesakes:
                    namesakes.remove(route)
            elif namesakes:
                self._named[name] = namesakes.pop(0)
            else:
                del self._named[name]
            if not namesakes:
                self._namesakes.pop(name, None)

    def _hosts_for(self, route: Route) -> HostTable:
        """Return the hosts of a route's port, to be changed."""
        port = route.listen_port or self._port
        hosts = self._touched.get(port)
        if hosts is None:
            shared = self._ports.get(port)
            hosts = shared.copy() if shared is not None else HostTable(self._hostname)
            self._ports[port] = self._touched[port] = hosts
        return hosts

    def settle(self) -> None:
        """Make ready for look-ups, when all changes have been made. What is settled is not changed any more."""
        self.routes = tuple(self.by_id.values())
        for port, hosts in self._touched.items():
            hosts.settle()
            if port != self._port and not hosts:
                del self._ports[port]
        self._touched = {}

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
        looped = loop_name(name)
        return self.by_id.get(name) or self._named.get(name) or self.by_id.get(looped) or self._named.get(looped)


def place_of(route: Route) -> tuple[bool, int, str, str]:
    """Return what decides where a route lies in the table."""
    return route.is_routed, route.listen_port, route.domain, route.listen_path
