"""Which entry of a list of endpoints a request is for: what most middlewares ask first (contract 06.2).

An entry is a path pattern, a method and a value. Everything is compiled at load time and sorted by method, so that a
request only meets patterns of its own method, in the order of the list; the first that is found in any form of its
path wins. The whole path, with the listen path, is one of these forms for the lists of paths alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from sluicegate.apidef.pattern import Pattern, path_pattern
from sluicegate.apidef.pattern_set import PatternSet

if TYPE_CHECKING:
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.settings.model import Settings

T = TypeVar("T")

LONGEST_ONE_BY_ONE = 10
"""Patterns from which on one pass for all of them costs less than asking one after the other, as measured."""

Found = Callable[[str, str, str], T | None]
"""Returns the value of the first entry whose pattern is found in a form of the path; the three may be alike."""


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[T]):
    """One entry of a list.

    path:   as it stands in the definition.
    method: as it stands in the definition, compared as written; None is every method.
    value:  what the list says about this endpoint.
    """

    path: str
    method: str | None
    value: T
    ignore_case: bool = False


class Endpoints(Generic[T]):
    """A list of endpoints, ready to be asked. It is false when it is empty. Raises ConfigError for a bad pattern.

    whole: patterns are looked for in the whole path, too.
    """

    __slots__ = ("_by_method", "_other", "_whole")

    def __init__(
        self, entries: Iterable[Endpoint[T]], settings: Settings, version: VersionInfo, whole: bool = False
    ) -> None:
        self._whole = whole
        options = settings.http_server_options
        prefix, suffix = options.enable_path_prefix_matching, options.enable_path_suffix_matching
        ignore_case = settings.ignore_endpoint_case or version.ignore_endpoint_case
        compiled = []
        for entry in entries:
            ignores_case = ignore_case or entry.ignore_case
            pattern = path_pattern(entry.path, prefix=prefix, suffix=suffix, ignore_case=ignores_case)
            compiled.append(_Compiled(entry.method, pattern, ignores_case, entry.value))
        methods = dict.fromkeys(one.method for one in compiled if one.method is not None)
        self._by_method: dict[bytes, Found[T] | None] = {}
        for method in methods:
            own = [one for one in compiled if one.method in (method, None)]
            finder = _finder(own)
            self._by_method[method.encode("utf-8", "surrogateescape")] = finder
        self._other: Found[T] | None = _finder([one for one in compiled if one.method is None])

    def __bool__(self) -> bool:
        return bool(self._by_method) or self._other is not None

    def find(self, exchange: Exchange) -> T | None:
        """Return the value of the first entry for the method and path that were received, or None."""
        finder = self._by_method.get(exchange.request.method, self._other)
        if finder is None:
            return None
        plain, versioned, whole = exchange.match_paths
        return finder(plain, versioned, whole if self._whole else versioned)


@dataclass(frozen=True, slots=True)
class _Compiled(Generic[T]):
    method: str | None
    pattern: Pattern
    ignores_case: bool
    value: T


def _finder(entries: Sequence[_Compiled[T]]) -> Found[T] | None:
    if not entries:
        return None
    if len(entries) > LONGEST_ONE_BY_ONE:
        try:
            return _all_at_once(entries)
        except MemoryError:
            pass
    return _one_by_one(entries)


def _one_by_one(entries: Sequence[_Compiled[T]]) -> Found[T]:
    questions = tuple((entry.pattern.found, entry.value) for entry in entries)

    def find(plain: str, versioned: str, whole: str) -> T | None:
        if plain == whole:  # nothing to take off
            for found, value in questions:
                if found(plain):
                    return value
            return None
        for found, value in questions:
            if found(plain) or found(whole) or (versioned is not plain and versioned is not whole and found(versioned)):
                return value
        return None

    return find


def _all_at_once(entries: Sequence[_Compiled[T]]) -> Found[T]:
    found = PatternSet([entry.pattern for entry in entries], [entry.ignores_case for entry in entries]).found
    values = tuple(entry.value for entry in entries)

    def find(plain: str, versioned: str, whole: str) -> T | None:
        places = found(plain)
        if plain != whole:
            places += found(whole)
            if versioned is not plain and versioned is not whole:
                places += found(versioned)
        return values[min(places)] if places else None

    return find
