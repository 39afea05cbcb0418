"""JSON with line numbers (RFC 8259, strict), so that an error in a file can say where it is.

Used for configuration files only: it is written to explain, not to be fast. What Go's reader forgives a value, such as
a name in another case, is the business of `decode`; what is no JSON is refused here, with a hint for the usual slips.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

from sluicegate.errors import ConfigError

MAX_DEPTH = 100
MAX_DIGITS = 400

_BLANK = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NAME = re.compile(rf"({_STRING.pattern})\s*:")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"\w[\w.+-]*|.", re.DOTALL)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_HINTS = {
    "/": "JSON has no comments",
    "#": "JSON has no comments",
    "'": "texts and names stand in double quotes",
    "True": "write true",
    "False": "write false",
    "None": "write null",
}


@dataclass(frozen=True, slots=True)
class Value:
    """A value and the line it begins on. `data` is None, bool, int, float, str, list[Value] or an `Object`."""

    data: bool | int | float | str | list[Value] | Object | None
    line: int


class Member(NamedTuple):
    """A name and its value in an object; the line is the name's."""

    name: str
    line: int
    value: Value


@dataclass(frozen=True, slots=True)
class Object:
    """The members of an object in their order; a name may come twice."""

    members: list[Member]


def parse(document: bytes, file: str) -> Value:
    """Read a document; raise ConfigError with file and line at the first place that is not JSON."""
    return _Reader(document.decode("utf-8", "replace"), file).document()


class _Reader:
    """Reads a text from left to right; `at` is the place of the next character."""

    def __init__(self, text: str, file: str) -> None:
        self.text, self.file, self.at = text, file, 0
        self.line_ends = [found.start() for found in re.finditer("\n", text)]

    def document(self) -> Value:
        if self.text.startswith("\ufeff"):
            raise self.error("a byte order mark before the document", "save the file as UTF-8 without it")
        self.skip_blank()
        if self.at == len(self.text):
            raise self.error("the document is empty", "an empty object is written {}")
        value = self.value(0)
        self.skip_blank()
        if self.at < len(self.text):
            raise self.error(f"expected the end of the document, found {self.found()}", self.hint())
        return value

    def value(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} levels deep")
        line = self.line()
        match self.text[self.at : self.at + 1]:
            case "{":
                return Value(self.object(depth), line)
            case "[":
                return Value(self.array(depth), line)
            case '"':
                return Value(self.string(), line)
        if number := _NUMBER.match(self.text, self.at):
            return Value(self.number(number), line)
        if (word := self.word()) in _WORDS:
            self.at += len(word)
            return Value(_WORDS[word], line)
        raise self.error(f"expected a value, found {self.found()}", self.hint())

    def object(self, depth: int) -> Object:
        members: list[Member] = []
        self.at += 1
        while not self.ends("}", bool(members), "name"):
            line = self.line()
            if self.text[self.at : self.at + 1] != '"':
                raise self.error(f"expected a name in double quotes, found {self.found()}", self.hint())
            name = self.string()
            self.skip_blank()
            if self.text[self.at : self.at + 1] != ":":
                raise self.error(f'expected ":" after "{name[:40]}", found {self.found()}')
            self.at += 1
            self.skip_blank()
            members.append(Member(name, line, self.value(depth + 1)))
        return Object(members)

    def array(self, depth: int) -> list[Value]:
        items: list[Value] = []
        self.at += 1
        while not self.ends("]", bool(items), "value"):
            items.append(self.value(depth + 1))
        return items

    def ends(self, mark: str, has_items: bool, wanted: str) -> bool:
        """Step over what stands between two items; True at the mark that ends them."""
        self.skip_blank()
        if self.text[self.at : self.at + 1] == mark:
            self.at += 1
            return True
        if not has_items:
            return False
        if self.text[self.at : self.at + 1] != ",":
            raise self.error(f'expected "," or "{mark}", found {self.found()}', self.hint() or "is a comma missing?")
        self.at += 1
        self.skip_blank()
        if self.text[self.at : self.at + 1] == mark:
            raise self.error(f'expected a {wanted} after ",", found "{mark}"', "the last comma is one too many")
        return False

    def string(self) -> str:
        found = _STRING.match(self.text, self.at)
        if not found:
            raise self.error("a text without its closing quote", "line breaks in texts are written \\n, tabs \\t")
        try:
            text: str = json.loads(found[0])
        except ValueError:
            raise self.error("a text with a wrong escape", "a backslash is written \\\\") from None
        self.at = found.end()
        # Half of a surrogate pair is no character; Go reads it as U+FFFD.
        return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def number(self, found: re.Match[str]) -> int | float:
        if len(found[0]) > MAX_DIGITS:
            raise self.error(f"a number of more than {MAX_DIGITS} characters")
        self.at = found.end()
        if found[1] or found[2]:
            return float(found[0])
        return int(found[0])

    def skip_blank(self) -> None:
        blank = _BLANK.match(self.text, self.at)
        assert blank is not None
        self.at = blank.end()

    def word(self) -> str:
        found = _WORD.match(self.text, self.at)
        return found[0] if found else ""

    def found(self) -> str:
        """Say what stands here. Of texts only names are shown: a value may be a secret."""
        if name := _NAME.match(self.text, self.at):
            return name[1][:40]
        if self.text[self.at : self.at + 1] == '"':
            return "a text"
        word = self.word()
        return f'"{word[:40]}"' if word else "the end of the document"

    def hint(self) -> str:
        return _HINTS.get(self.word(), "")

    def line(self) -> int:
        return bisect_right(self.line_ends, self.at - 1) + 1

    def error(self, what: str, hint: str = "") -> ConfigError:
        line_start = self.text.rfind("\n", 0, self.at) + 1
        return ConfigError(f"{self.file}:{self.line()}", f"{what} (column {self.at - line_start + 1})", hint)
