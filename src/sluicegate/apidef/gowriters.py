"""How a Go-typed value becomes plain JSON values: a writer for each type, built once (the writing half of `gojson`)."""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from sluicegate.apidef.goreaders import Struct, unwrapped
from sluicegate.apidef.gotypes import NIL_MAP, Duration, GoStruct

Writer = Callable[[Any], Any]


class Ordered(dict[str, Any]):
    """A tree that a struct was written as: its keys stay in their order when it is written."""


@cache
def writer_of(hint: Any) -> Writer:
    """Return the writer of an annotation or class."""
    hint, _ = unwrapped(hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, GoStruct):
        return _struct_writer(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        inner = writer_of(arguments[0])
        return lambda value: None if value is None else inner(value)
    if origin is collections.abc.Sequence:
        return _list_writer(writer_of(arguments[0]))
    if origin is collections.abc.Mapping:
        return _map_writer(writer_of(arguments[1]))
    return _write_any


def _same(value: Any) -> Any:
    return value


def _write_float(value: Any) -> Any:
    """Go writes 10.0 as 10, and what JSON cannot say is not written."""
    if value == value // 1 and abs(value) < 1e21:
        return int(value)
    return value


def _write_any(value: Any) -> Any:
    """Write what has no type: keys of maps are sorted, as Go does."""
    if isinstance(value, GoStruct):
        return writer_of(type(value))(value)
    if value.__class__ is Ordered:
        return value
    if isinstance(value, Mapping):
        return {key: _write_any(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_write_any(item) for item in value]
    if isinstance(value, float):
        return _write_float(value)
    if isinstance(value, int) and abs(value) >= 1 << 63:  # untyped numbers are float64 in Go
        return float(value) if abs(value) < 1 << 1023 else None
    return value


_SCALARS: dict[Any, Writer] = {
    str: _same,
    bool: _same,
    int: _same,
    float: _write_float,
    Duration: str,
    Any: _write_any,
    type(None): _same,
}


def _list_writer(inner: Writer) -> Writer:
    return lambda values: None if values == () else [inner(value) for value in values]


def _map_writer(inner: Writer) -> Writer:
    return lambda values: None if values is NIL_MAP else {key: inner(values[key]) for key in sorted(values)}


def _struct_writer(kind: type[GoStruct]) -> Writer:
    fields = [
        (name, key, writer_of(hint), bool(extra.get("omit")), default)
        for name, key, hint, default, extra in Struct(kind).fields
    ]

    def write(value: Any) -> dict[str, Any]:
        result = {}
        for name, key, inner, omit, default in fields:
            item = getattr(value, name)
            if omit and (item == default or (not item and isinstance(item, list | dict))):
                continue
            result[key] = inner(item)
        return result

    return write
