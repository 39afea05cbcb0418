"""How a parsed JSON value becomes a Go-typed one: a reader for each type, built once (the reading half of `gojson`).

A reader takes a value and returns it in its type, or raises Mismatch; the path to it is put together only on the way
out, so that reading what is right costs nothing for it.
"""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any

import msgspec

from sluicegate.apidef.gotypes import NIL_MAP, Duration, GoStruct

Reader = Callable[[Any], Any]

INT_RANGES = {
    "int": (-(1 << 63), (1 << 63) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
    "time.Duration": (-(1 << 63), (1 << 63) - 1),
    "uint64": (0, (1 << 64) - 1),
    "uint16": (0, (1 << 16) - 1),
}


class Mismatch(Exception):
    """A value is not of the type that its field wants; the text is Go's."""

    def __init__(self, found: str, go_type: str, text: str = "") -> None:
        super().__init__(found, go_type, text)
        self.found, self.go_type, self.text = found, go_type, text
        self.struct = ""
        self.path: list[str] = []

    def __str__(self) -> str:
        if self.text:
            return f"{self.text} in {'.'.join(self.path)}" if self.path else self.text
        place = f"Go struct field {self.struct}.{'.'.join(self.path)}" if self.path else "Go value"
        return f"json: cannot unmarshal {self.found} into {place} of type {self.go_type}"


class Struct:
    """What a reader or writer must know of a struct's fields: computed once for each."""

    def __init__(self, kind: type[GoStruct]) -> None:
        hints = typing.get_type_hints(kind, include_extras=True)
        self.kind = kind
        self.fields: list[tuple[str, str, Any, Any, Mapping[str, Any]]] = []
        for field in msgspec.structs.fields(kind):
            plain, extra = unwrapped(hints[field.name])
            if not extra.get("internal"):
                self.fields.append((field.name, field.encode_name, plain, field.default, extra))


def unwrapped(hint: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return an annotation without its Annotated, and what that said."""
    extra: dict[str, Any] = {}
    while typing.get_origin(hint) is Annotated:
        hint, *notes = typing.get_args(hint)
        for note in notes:
            extra.update(note.extra)
    return hint, extra


def go_name(found: Any) -> str:
    """Return what Go calls a JSON value in its errors."""
    if isinstance(found, bool):
        return "bool"
    if isinstance(found, str):
        return "string"
    if isinstance(found, int | float):
        return f"number {str(found)[:40]}"
    return "array" if isinstance(found, list) else "object"


@cache
def reader_of(hint: Any) -> Reader:
    """Return the reader of an annotation."""
    hint, extra = unwrapped(hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if hint is int:
        return _int_reader(extra.get("go", "int"))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return _optional_reader(arguments[0])
    if origin is collections.abc.Sequence or origin is list:
        return _list_reader(arguments[0])
    if origin is collections.abc.Mapping or origin is dict:
        return _map_reader(arguments[1])
    if isinstance(hint, type) and issubclass(hint, GoStruct):
        return _struct_reader(hint)
    raise TypeError(f"no reader for {hint!r}")


def type_name(hint: Any) -> str:
    """Return Go's name of an annotation's type."""
    hint, extra = unwrapped(hint)
    if "go" in extra:
        return str(extra["go"])
    if hint in _GO_NAMES:
        return _GO_NAMES[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return type_name(arguments[0])
    if origin in (collections.abc.Sequence, list):
        return f"[]{type_name(arguments[0])}"
    if origin in (collections.abc.Mapping, dict):
        return f"map[string]{type_name(arguments[1])}"
    return f"apidef.{hint.__name__}"


_GO_NAMES = {str: "string", bool: "bool", int: "int", float: "float64", Any: "interface {}", Duration: "string"}


def _read_str(value: Any) -> Any:
    if value.__class__ is str:
        return value
    if value is None:
        return ""
    raise Mismatch(go_name(value), "string")


def _read_bool(value: Any) -> Any:
    if value is True or value is False:
        return value
    if value is None:
        return False
    raise Mismatch(go_name(value), "bool")


def _read_float(value: Any) -> Any:
    if value.__class__ is float:
        return value
    if value.__class__ is int:
        try:
            return float(value)
        except OverflowError:
            pass
    if value is None:
        return 0.0
    raise Mismatch(go_name(value), "float64")


def _read_duration(value: Any) -> Duration:
    try:
        return Duration.parse(_read_str(value))
    except ValueError as error:
        raise Mismatch("string", "string", str(error)) from None


def _read_any(value: Any) -> Any:
    return value


_SCALARS: dict[Any, Reader] = {
    str: _read_str,
    bool: _read_bool,
    float: _read_float,
    Duration: _read_duration,
    Any: _read_any,
}


def _int_reader(go_type: str) -> Reader:
    low, high = INT_RANGES[go_type]

    def read(value: Any) -> Any:
        if value.__class__ is int and low <= value <= high:
            return value
        if value is None:
            return 0
        raise Mismatch(go_name(value), go_type)

    return read


def _optional_reader(hint: Any) -> Reader:
    inner = reader_of(hint)
    return lambda value: None if value is None else inner(value)


def _list_reader(hint: Any) -> Reader:
    inner = reader_of(hint)
    name = f"[]{type_name(hint)}"

    def read(value: Any) -> Any:
        if value is None:
            return ()
        if value.__class__ is not list:
            raise Mismatch(go_name(value), name)
        return [inner(item) for item in value]

    return read


def _map_reader(hint: Any) -> Reader:
    inner = reader_of(hint)
    name = f"map[string]{type_name(hint)}"

    def read(value: Any) -> Any:
        if value is None:
            return NIL_MAP
        if not isinstance(value, dict):
            raise Mismatch(go_name(value), name)
        result = {}
        try:
            for key, item in value.items():
                result[key] = inner(item)
        except Mismatch as wrong:
            wrong.path.insert(0, key)
            raise
        return result

    return read


Entry = tuple[str, Reader, str]


def _entries(kind: type[GoStruct]) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """Return attribute, reader and key of each field, by its key and by its key in lower case."""
    known: dict[str, Entry] = {}
    folded: dict[str, Entry] = {}
    for attribute, key, hint, _, extra in Struct(kind).fields:
        inner = reader_of(Annotated[hint, msgspec.Meta(extra=dict(extra))] if extra else hint)
        known[key] = (attribute, inner, key)
        folded.setdefault(key.lower(), known[key])
    return known, folded


def _struct_reader(kind: type[GoStruct]) -> Reader:
    known, folded = _entries(kind)
    zero = kind()

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            if value is None:
                return zero
            raise Mismatch(go_name(value), type_name(kind))
        values: dict[str, Any] = {}
        entry = None
        try:
            for key, item in value.items():
                entry = known.get(key)
                if entry is None:
                    entry = folded.get(key.lower())
                    if entry is None or entry[0] in values:
                        continue
                if item is not None:
                    values[entry[0]] = entry[1](item)
        except Mismatch as wrong:
            wrong.path.insert(0, entry[2] if entry else "")
            wrong.struct = kind.__name__
            raise
        return kind(**values) if values else zero

    return read
