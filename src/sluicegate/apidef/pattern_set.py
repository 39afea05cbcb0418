"""Many patterns looked for in one pass: what a list of a hundred endpoints needs to cost no more than one of ten."""

from __future__ import annotations

from collections.abc import Sequence

import re2

from sluicegate.apidef.pattern import Pattern, encoded

MEMORY_BYTES = 4 << 20
"""Together for the program and for the states that searches build; the latter are forgotten when it is full."""


class PatternSet:
    """Patterns by their place in a list."""

    __slots__ = ("_match",)

    def __init__(self, patterns: Sequence[Pattern], ignore_case: Sequence[bool]) -> None:
        """Compile the patterns, each with its own rule about case. Raises MemoryError when they are too large."""
        options = re2.Options()
        options.max_mem = MEMORY_BYTES
        options.log_errors = False
        together = re2._re2.Set(re2._Anchor.UNANCHORED, options)
        for pattern, ignores_case in zip(patterns, ignore_case, strict=True):
            text = f"(?i:{pattern.text})" if ignores_case else pattern.text
            if together.Add(text.encode()) < 0:
                raise MemoryError
        if not together.Compile():
            raise MemoryError
        self._match = together.Match

    def found(self, text: str) -> list[int]:
        """Return the places of all patterns that are found in a text, in no order."""
        return self._match(encoded(text))  # type: ignore[no-any-return]
