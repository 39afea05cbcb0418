"""Durations as Go writes them: `300ms`, `1.5h`, `2h45m` (Go's time.ParseDuration)."""

from __future__ import annotations

import re

_UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)"
_DURATION = re.compile(rf"([+-]?)((?:{_PART})+)", re.ASCII)
_PARTS = re.compile(_PART, re.ASCII)
MAX_LENGTH = 64


def parse_duration_ns(text: str) -> int | None:
    """Return a duration in nanoseconds; None if the text is none."""
    if text in ("0", "+0", "-0"):
        return 0
    found = _DURATION.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if not found:
        return None
    total = sum(round(float(number) * _UNITS_NS[unit]) for number, unit in _PARTS.findall(found[2]))
    return -total if found[1] == "-" else total
