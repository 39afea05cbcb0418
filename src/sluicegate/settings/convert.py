"""One value, from JSON or from the environment, turned into what the model asks for, or a mismatch that says why not.

JSON as Go reads it: `null` leaves the zero value, a fraction is fine where the field is a float and wrong where it is
whole, names match in any case. The environment as contract 01.2 has it.
"""

from __future__ import annotations

import math
import re
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from msgspec import Meta

from sluicegate.errors import ConfigError
from sluicegate.settings.duration import parse_duration_ns
from sluicegate.settings.json_lines import Object, Value, parse
from sluicegate.settings.section import GO_DURATION, SECONDS, Section
from sluicegate.settings.shape import fields_of, is_section

INT64 = 2**63
TRUE_WORDS = frozenset({"1", "t", "T", "TRUE", "true", "True"})
FALSE_WORDS = frozenset({"0", "f", "F", "FALSE", "false", "False"})
"""What Go takes for a truth value."""
_INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*)", re.ASCII)
_OLD_OCTAL = re.compile(r"[+-]?0[0-7_]+", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
MAX_NUMBER_LENGTH = 64
A_TEXT = "a text"
_WANTED = {bool: "true or false", int: "a number", float: "a number", str: A_TEXT}
_WHOLE = "a whole number"


class Mismatch(Exception):
    """A value is not what its setting asks for.

    wanted: what it should be.   found: what it is.   line: where, if that is inside a value of several lines; else 0.
    inside: the path from the setting to the place (`[2].cert_file`).
    """

    def __init__(self, wanted: str, found: str, line: int = 0, inside: str = "") -> None:
        super().__init__(wanted, found)
        self.wanted, self.found, self.line, self.inside = wanted, found, line, inside

    def within(self, step: str) -> Mismatch:
        """Return the same, seen from one level further out."""
        return Mismatch(self.wanted, self.found, self.line, step + self.inside)


def from_json(value: Value, type_: Any) -> Any:
    """Return the value as `type_` has it; raise Mismatch."""
    base, meta = unwrap(type_)
    if meta.extra and SECONDS in meta.extra and isinstance(value.data, str):
        return _within_bounds(_seconds(value.data), meta)
    if value.data is None:
        return zero_of(type_)
    origin = get_origin(base)
    if base is Any:
        return plain(value)
    if origin is list or origin is dict:
        return _container(value, base, origin)
    if is_section(base):
        return _section(value, base)
    if origin is Literal:
        return _one_of(value.data, get_args(base), value.line)
    return _within_bounds(_scalar(value, base), meta, value.line)


def from_env(text: str, type_: Any) -> Any:
    """Return an environment variable's text as `type_` has it; raise Mismatch."""
    base, meta = unwrap(type_)
    marks = meta.extra or {}
    if GO_DURATION in marks:
        duration = parse_duration_ns(text)
        if duration is None:
            raise Mismatch("a duration such as 10s", quoted(text))
        return duration
    if SECONDS in marks:
        return _within_bounds(_seconds(text), meta)
    if base is str:
        return text
    if base in (bool, int, float):
        return _within_bounds(_env_scalar(text, base), meta)
    if get_origin(base) is Literal:
        options = get_args(base)
        return _one_of(text if isinstance(options[0], str) else _env_scalar(text, int), options)
    if base == list[str]:
        return text.split(",") if text.strip() else []
    if base == dict[str, str]:
        return _env_map(text)
    return _env_json(text, base)


def zero_of(type_: Any) -> Any:
    """Return Go's zero value of a type: what `null` leaves behind in a list or a map."""
    base, _ = unwrap(type_)
    if base is Any or base is NoneType or _optional(type_):
        return None
    origin = get_origin(base)
    if origin is Literal:
        return type(get_args(base)[0])()
    return (origin or base)()


def plain(value: Value) -> Any:
    """Return a value of any shape without its line numbers; of two members of one name the last counts."""
    if isinstance(value.data, Object):
        return {member.name: plain(member.value) for member in value.data.members}
    if isinstance(value.data, list):
        return [plain(item) for item in value.data]
    return value.data


def describe(value: Value) -> str:
    """Say what a value is: scalars as they are written, cut at 40 characters."""
    match value.data:
        case Object():
            return "an object"
        case list():
            return "a list"
        case None:
            return "null"
        case bool():
            return "true" if value.data else "false"
        case str():
            return quoted(value.data)
        case _:
            return str(value.data)[:40]


def quoted(text: str) -> str:
    """Return a text in double quotes, cut at 40 characters."""
    return f'"{text[:40]}…"' if len(text) > 40 else f'"{text}"'


def unwrap(type_: Any) -> tuple[Any, Meta]:
    """Split a type into itself and its bounds and marks; `X | None` is taken as X."""
    if get_origin(type_) in (Union, UnionType):
        type_ = next(option for option in get_args(type_) if option is not NoneType)
    if get_origin(type_) is Annotated:
        base, meta = get_args(type_)[:2]
        return base, meta
    return type_, Meta()


def _optional(type_: Any) -> bool:
    return get_origin(type_) in (Union, UnionType) and NoneType in get_args(type_)


def _scalar(value: Value, base: Any) -> Any:
    data = value.data
    if base is float and isinstance(data, int | float) and not isinstance(data, bool):
        try:
            number = float(data)
        except OverflowError:
            number = math.inf
        if math.isinf(number):
            raise Mismatch("a number that fits 64 bits", describe(value), value.line)
        return number
    if type(data) is not base:
        wanted = _WHOLE if base is int and isinstance(data, float) else _WANTED[base]
        raise Mismatch(wanted, describe(value), value.line)
    if base is int and not -INT64 <= data < INT64:  # type: ignore[operator]
        raise Mismatch("a number that fits 64 bits", describe(value), value.line)
    return data


def _container(value: Value, base: Any, origin: Any) -> Any:
    if origin is list:
        if not isinstance(value.data, list):
            raise Mismatch("a list", describe(value), value.line)
        (item_type,) = get_args(base)
        return [_inner(item, item_type, f"[{index}]") for index, item in enumerate(value.data)]
    if not isinstance(value.data, Object):
        raise Mismatch("an object", describe(value), value.line)
    item_type = get_args(base)[1]
    return {member.name: _inner(member.value, item_type, f".{member.name}") for member in value.data.members}


def _section(value: Value, section: type[Section]) -> Section:
    if not isinstance(value.data, Object):
        raise Mismatch("an object", describe(value), value.line)
    fields = fields_of(section)
    folded = {name.casefold(): name for name in fields}
    found: dict[str, Any] = {}
    for member in value.data.members:
        name = member.name if member.name in fields else folded.get(member.name.casefold())
        if name is not None and member.value.data is not None:
            attribute, type_, _ = fields[name]
            found[attribute] = _inner(member.value, type_, f".{name}")
    return section(**found)


def _inner(value: Value, type_: Any, step: str) -> Any:
    try:
        return from_json(value, type_)
    except Mismatch as mismatch:
        raise mismatch.within(step) from None


def _one_of(data: Any, options: tuple[Any, ...], line: int = 0) -> Any:
    if any(data == option and type(data) is type(option) for option in options):
        return data
    names = ", ".join(quoted(option) if isinstance(option, str) else str(option) for option in options)
    raise Mismatch(f"one of {names}", describe(Value(data, line)), line)


def _within_bounds(number: Any, meta: Meta, line: int = 0) -> Any:
    if (meta.ge is not None and number < meta.ge) or (meta.le is not None and number > meta.le):
        wanted = f"a number from {meta.ge} to {meta.le}" if meta.le is not None else f"a number of at least {meta.ge}"
        raise Mismatch(wanted, str(number), line)
    return number


def _seconds(text: str) -> float:
    if _FLOAT.fullmatch(text) and len(text) <= MAX_NUMBER_LENGTH and math.isfinite(number := float(text)):
        return number
    duration = parse_duration_ns(text)
    if duration is None:
        raise Mismatch("a number of seconds or a duration such as 10s", quoted(text))
    return duration / 1e9


def _env_scalar(text: str, base: Any) -> Any:
    if base is bool and (text in TRUE_WORDS or text in FALSE_WORDS):
        return text in TRUE_WORDS
    if len(text) <= MAX_NUMBER_LENGTH:
        if base is int and _INTEGER.fullmatch(text):
            return _env_integer(text)
        if base is float and _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
            return number
    raise Mismatch(_WANTED[base], quoted(text))


def _env_integer(text: str) -> int:
    try:
        number = int(text, 8) if _OLD_OCTAL.fullmatch(text) else int(text, 0)
    except ValueError:
        raise Mismatch(_WHOLE, quoted(text)) from None
    if not -INT64 <= number < INT64:
        raise Mismatch("a number that fits 64 bits", text)
    return number


def _env_map(text: str) -> dict[str, str]:
    if not text.strip():
        return {}
    pairs = [item.split(":") for item in text.split(",")]
    for pair in pairs:
        if len(pair) != 2:
            raise Mismatch("name:value,name:value", quoted(":".join(pair)))
    return dict(pairs)


def _env_json(text: str, base: Any) -> Any:
    try:
        return from_json(parse(text.encode("utf-8", "replace"), ""), base)
    except ConfigError as error:
        raise Mismatch("a JSON document", f"{quoted(text)}: {error.what}") from None
