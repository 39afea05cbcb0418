"""Templates in listen paths and domains: `{name}` and `{name:regex}` (contract 02.0)."""

from __future__ import annotations

import re


def template_pattern(text: str, separator: str) -> str:
    """Return the regular expression of a template; `{name}` spans up to the separator. Braces may nest in a regex."""
    parts: list[str] = []
    at = 0
    while (start := text.find("{", at)) >= 0:
        end = closing_brace(text, start)
        parts.append(re.escape(text[at:start]))
        _, colon, pattern = text[start + 1 : end].partition(":")
        parts.append(f"({pattern})" if colon and pattern else f"([^{separator}]+)")
        at = end + 1
    parts.append(re.escape(text[at:]))
    return "".join(parts)


def closing_brace(text: str, start: int) -> int:
    """Return where the brace that opens at `start` closes; the end of the text when it does not."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return at
    return len(text)
