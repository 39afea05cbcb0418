"""One field of a JSON text, named by a path as `error_overrides` name it (contract 06.6): `error.details.0.code`."""

from __future__ import annotations

import re
from typing import Any

import msgspec

DOT = re.compile(r"(?<!\\)\.")
_DECODER = msgspec.json.Decoder(float_hook=str)


def steps_of(path: str) -> tuple[str, ...]:
    """Return the names in a path; `\\.` is a dot within a name."""
    return tuple(step.replace("\\.", ".") for step in DOT.split(path))


def field_of(text: str, steps: tuple[str, ...]) -> str | None:
    """Return a field as text, or None where there is none. Objects and lists are none; null is the empty text."""
    try:
        value: Any = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return str(value) if isinstance(value, str | int) else None
