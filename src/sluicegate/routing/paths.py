"""The listen paths of one host: part of the table (`routing.table`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sluicegate.apidef.pattern import Pattern
    from sluicegate.routing.route import Route


class PathTable:
    """The listen paths of one host, each its route's.

    A path that several routes claim is the first one's, until that goes.
    """

    __slots__ = ("_sizes", "_waiting", "lengths", "literal", "templated")

    def __init__(self) -> None:
        self.literal: dict[bytes, Route] = {}
        self.lengths: tuple[int, ...] = ()
        self.templated: list[tuple[int, Pattern, Route]] = []
        self._sizes: dict[int, int] = {}  # how many literal paths have a length
        self._waiting: dict[bytes, list[Route]] = {}  # who claims a path that another one has

    def copy(self) -> PathTable:
        """Return a table of the same paths, to be changed."""
        copy = PathTable()
        copy.literal, copy.lengths, copy.templated = self.literal.copy(), self.lengths, self.templated.copy()
        copy._sizes = self._sizes.copy()
        copy._waiting = {path: routes.copy() for path, routes in self._waiting.items()}
        return copy

    def __bool__(self) -> bool:
        """Return whether there is any path."""
        return bool(self.literal or self.templated)

    def add(self, route: Route) -> None:
        """Add a route at its listen path, and at its id; `settle` has to follow."""
        if route.template is not None:
            self.templated.append((template_length(route.listen_path), route.template, route))
        for path in literal_paths(route):
            if self.literal.setdefault(path, route) is route:
                self._sizes[len(path)] = self._sizes.get(len(path), 0) + 1
            else:
                self._waiting.setdefault(path, []).append(route)

    def remove(self, route: Route) -> None:
        """Remove a route; `settle` has to follow."""
        if route.template is not None:
            self.templated = [entry for entry in self.templated if entry[2] is not route]
        for path in literal_paths(route):
            waiting = self._waiting.get(path, [])
            if self.literal.get(path) is not route:
                waiting.remove(route)
            elif waiting:
                self.literal[path] = waiting.pop(0)
            else:
                del self.literal[path]
                self._sizes[len(path)] -= 1
            if not waiting:
                self._waiting.pop(path, None)

    def replace(self, old: Route, new: Route) -> None:
        """Put a route in the place of another one with the same paths."""
        self.templated = [(size, pattern, new if route is old else route) for size, pattern, route in self.templated]
        for path in literal_paths(old):
            if self.literal.get(path) is old:
                self.literal[path] = new
            else:
                waiting = self._waiting[path]
                waiting[waiting.index(old)] = new

    def settle(self) -> None:
        """Make ready for look-ups, when all changes have been made."""
        self.lengths = tuple(sorted((size for size, count in self._sizes.items() if count), reverse=True))
        self.templated.sort(key=lambda entry: entry[0], reverse=True)

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
        for length, pattern, route in self.templated:
            if length < least:
                break
            if pattern.found(text):
                return route
        return found


def literal_paths(route: Route) -> list[bytes]:
    """Return the paths that a route claims as they are: its listen path, and its id. Every path once."""
    paths = [] if route.template is not None else [route.listen_prefix]
    by_id = b"/%b/" % route.api_id.encode() if route.api_id else b""
    return [*paths, by_id] if by_id and by_id not in paths else paths


def template_length(listen_path: str) -> int:
    """Return a listen path's place in the order: segments that are only `{…}` count as their slash (contract 02.0)."""
    segments = listen_path.split("/")
    return sum(0 if one.startswith("{") and one.endswith("}") else len(one) for one in segments) + len(segments) - 1


def precedes(route: Route, other: Route) -> bool:
    """Return whether a route is asked before another one."""
    return template_length(route.listen_path) > template_length(other.listen_path)
