"""The types that Tyk's documents are made of: Go's, as attributes of structs that cannot change.

A struct mirrors one Go struct field for field, with Tyk's JSON names as attributes. `gojson` reads and writes them;
they have no logic of their own. What is not said has Go's zero value: a list that was never given is `()` and a map
`NIL_MAP` (written as null), one that was given empty is `[]` or `{}`. All are frozen, so that defaults are shared and a
node with thousands of definitions stays small; a changed copy is made with `msgspec.structs.replace`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")

Omit = Annotated[T, msgspec.Meta(extra={"omit": True})]
"""A field that is left out when it is written empty (Go: omitempty)."""

Internal = Annotated[T, msgspec.Meta(extra={"internal": True})]
"""A field that is set while the gateway runs: neither read nor written."""

Int64 = Annotated[int, msgspec.Meta(extra={"go": "int64"})]
Uint64 = Annotated[int, msgspec.Meta(extra={"go": "uint64"})]
Uint16 = Annotated[int, msgspec.Meta(extra={"go": "uint16"})]
Nanoseconds = Annotated[int, msgspec.Meta(extra={"go": "time.Duration"})]

NIL_MAP: Mapping[str, Any] = MappingProxyType({})
"""A map that was never given."""


class GoStruct(msgspec.Struct, frozen=True, gc=False):
    """Root of all mirrors."""


class Duration(float):
    """Tyk's ReadableDuration, in seconds; in JSON a text such as `"500ms"` or `"1h30m"`."""

    __slots__ = ()

    def __str__(self) -> str:
        return _duration_text(round(self * 1e9))

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Return the duration that Go's time.ParseDuration reads. Raises ValueError with Go's text."""
        if text in ("", "0"):
            return NO_TIME
        sign, rest = (-1, text[1:]) if text[0] == "-" else (1, text.removeprefix("+"))
        parts = _PARTS.findall(rest)
        if not parts or "".join(number + unit for number, unit in parts) != rest:
            raise ValueError(f'time: invalid duration "{text[:80]}"')
        nanoseconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        if nanoseconds >= 1 << 63:
            raise ValueError(f'time: invalid duration "{text[:80]}"')
        return cls(sign * nanoseconds / 1e9)


NO_TIME = Duration(0)

_PARTS = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS = {"ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}


def _duration_text(nanoseconds: int) -> str:
    """Return a duration as Tyk writes it: Go's `1h30m0s` without the parts that are zero."""
    if nanoseconds <= 0:
        return "0s"
    for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
        if nanoseconds < size * 1000:
            return f"{nanoseconds / size:.9f}".rstrip("0").rstrip(".") + unit
    minutes, rest = divmod(nanoseconds, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 1_000_000_000}.{rest % 1_000_000_000:09d}".rstrip("0").rstrip(".")
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "") + (f"{seconds}s" if rest else "")
