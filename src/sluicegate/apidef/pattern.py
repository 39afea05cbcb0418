"""Patterns that somebody wrote: Go's regular expressions, through RE2, which are linear in time (contract 06.2).

They are compiled once and kept, since thousands of definitions ask for the same ones. Most patterns of paths are mere
words, or words and `{parameters}`: whether those are found needs no RE2, which takes several times as long to ask. Text
that is not UTF-8 is matched as Go does, each bad byte as U+FFFD, so that no escape can slip through a block list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import re2

from sluicegate.errors import ConfigError

REMEMBERED_PATTERNS = 8192
MEMORY_BYTES = 1 << 20
LONGEST_PATTERN = 16_384

_PLAIN = re.compile(r"[^\\.+*?()|\[\]{}^$]*")
_TEMPLATE_PART = re.compile(r"\{[^}]*\}")
_PARAMETERS = re.compile(r"\^?(?:[^\\.+*?()|\[\]{}^$]|(?:\(\[\^/\]\+\)|\[\^/\]\+)(?=/|\$?$))*\$?")
_ANYWHERE = re2._Anchor.UNANCHORED
_NOWHERE = (-1, -1)


class Pattern:
    """A compiled pattern, shared and read-only.

    text:   the pattern as RE2 has it.
    found:  answers something true if it is found anywhere in a text; the fast question.
    groups: how many capturing groups it has.
    """

    __slots__ = ("_match", "found", "groups", "text")

    def __init__(self, text: str, ignore_case: bool) -> None:
        self.text = text
        program = _program(text, ignore_case)
        self.groups: int = program.NumberOfCapturingGroups()
        self._match: Callable[..., list[tuple[int, int]]] = program.Match
        self.found: Callable[[str], object] = _finder(text, ignore_case, program)

    def search(self, text: str) -> tuple[str, ...] | None:
        """Return the first match: the whole and its groups, "" for a group that took no part; None without a match."""
        data = encoded(text)
        spans = self._match(_ANYWHERE, data, 0, len(data))
        return None if spans[0] == _NOWHERE else _texts(data, spans)

    def search_all(self, text: str, most: int) -> Iterator[tuple[str, ...]]:
        """Yield the matches one after the other, as `search` returns them; no more than so many.

        As in Go, nothing is no match right after a match.
        """
        data = encoded(text)
        at, last_end = 0, -1
        while most and at <= len(data):
            spans = self._match(_ANYWHERE, data, at, len(data))
            if spans[0] == _NOWHERE:
                return
            start, end = spans[0]
            if (start, end) != (last_end, last_end):
                yield _texts(data, spans)
                most -= 1
            at, last_end = end + (start == end), end

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"


def _texts(data: bytes, spans: list[tuple[int, int]]) -> tuple[str, ...]:
    return tuple([data[start:end].decode("utf-8", "replace") if start >= 0 else "" for start, end in spans])


@lru_cache(REMEMBERED_PATTERNS)
def compile_pattern(text: str, ignore_case: bool = False) -> Pattern:
    """Return the compiled pattern. Raises ConfigError for what RE2 refuses."""
    return Pattern(text, ignore_case)


def path_pattern(path: str, *, prefix: bool = False, suffix: bool = False, ignore_case: bool = False) -> Pattern:
    """Return the pattern that a path of `extended_paths` or of an OAS document is (contract 06.2).

    prefix, suffix: `enable_path_prefix_matching` and `enable_path_suffix_matching`. Raises ConfigError.
    """
    return compile_pattern(path_regexp(path, prefix=prefix, suffix=suffix), ignore_case)


def path_regexp(path: str, *, prefix: bool = False, suffix: bool = False) -> str:
    """Return the regular expression that a path is: `/users/{id}` -> `/users/([^/]+)`, `/a/*` -> `/a/.*`."""
    braces = path.count("{")
    if braces and braces == path.count("}"):
        path = _TEMPLATE_PART.sub("([^/]+)", path)
    path = path.replace("/*/", "/[^/]+/").replace("/*", "/.*")
    if prefix and path.startswith("/"):
        path = "^" + path
    if suffix and not path.endswith("$"):
        path += "$"
    return path


def _program(text: str, ignore_case: bool) -> Any:
    """Return RE2's own object: the wrapper around it costs seven times as much as the match."""
    if len(text) > LONGEST_PATTERN:
        raise ConfigError("", f"error parsing regexp: expression is longer than {LONGEST_PATTERN} characters")
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    options.max_mem = MEMORY_BYTES
    try:
        return re2._Regexp(text, options)._regexp
    except UnicodeEncodeError:
        raise ConfigError("", "error parsing regexp: invalid UTF-8") from None
    except re2.error as error:
        reason = error.args[0] if error.args else "refused"
        if isinstance(reason, bytes):
            reason = reason.decode("utf-8", "replace")
        hint = "patterns have the syntax of RE2, without look-around and back-references"
        raise ConfigError("", f"error parsing regexp: {reason}: `{text}`", hint) from None


def _finder(text: str, ignore_case: bool, program: Any) -> Callable[[str], object]:
    """Return the cheapest function that says whether the pattern is found."""
    match = program.Match

    def found(subject: str) -> bool:
        data = encoded(subject)
        return bool(match(_ANYWHERE, data, 0, len(data))[0] != _NOWHERE)

    at_start, at_end = text.startswith("^"), text.endswith("$")
    word = text[at_start : len(text) - at_end]
    if _PLAIN.fullmatch(word):
        if not ignore_case:
            return _word_finder(word, at_start, at_end)
        if word.isascii():
            plain = _word_finder(word.lower(), at_start, at_end)
            return lambda subject: plain(subject.lower()) if subject.isascii() else found(subject)
    if _PARAMETERS.fullmatch(text) and text.isascii():
        # Each parameter ends at a slash or the end, so that this cannot go back and forth: linear, as RE2 is.
        pattern = text[: len(text) - at_end] + (r"\Z" if at_end else "")
        return re.compile(pattern, re.IGNORECASE if ignore_case else 0).search
    return found


def _word_finder(word: str, at_start: bool, at_end: bool) -> Callable[[str], bool]:
    if at_start and at_end:
        return lambda subject: subject == word
    if at_start:
        return lambda subject: subject.startswith(word)
    if at_end:
        return lambda subject: subject.endswith(word)
    return lambda subject: word in subject


def encoded(text: str) -> bytes:
    """Return the text as RE2 gets it: bytes that were no UTF-8 are U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()
