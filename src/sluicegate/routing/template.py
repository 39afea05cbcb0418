"""Templates in listen paths and domains: `{name}` and `{name:regex}` (contract 02.0)."""

from __future__ import annotations

import re

from sluicegate.errors import ConfigError


def template_pattern(text: str, separator: str) -> str:
    """Return the regular expression of a template; `{name}` spans up to the separator. Braces may nest in a regex.

    Raises ConfigError for braces that do not pair, and for a parameter without a name or with an empty regex.
    """
    parts: list[str] = []
    at = 0
    while (start := text.find("{", at)) >= 0:
        end = closing_brace(text, start)
        parts.append(literal(text[at:start], text))
        name, colon, pattern = text[start + 1 : end].partition(":")
        if not name or (colon and not pattern):
            raise ConfigError(
                "", f"{text!r} has a parameter without a name or a pattern", "write {name} or {name:regex}"
            )
        parts.append(f"({pattern})" if pattern else f"([^{separator}]+)")
        at = end + 1
    parts.append(literal(text[at:], text))
    return "".join(parts)


def literal(part: str, text: str) -> str:
    """Return the regular expression of what stands between parameters."""
    if "}" in part:
        raise unbalanced(text)
    return re.escape(part)


def closing_brace(text: str, start: int) -> int:
    """Return where the brace that opens at `start` closes."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return at
    raise unbalanced(text)


def unbalanced(text: str) -> ConfigError:
    """Return the error of a template whose braces do not pair."""
    return ConfigError("", f"the braces of {text!r} do not pair", "they enclose parameters: {name} or {name:regex}")
