"""JSON as Go's encoding/json reads and writes it, for the structs of `gotypes`.

Reading: keys match without regard to case (an exact match wins), null leaves the zero value, unknown keys pass, broken
UTF-8 becomes U+FFFD, and a wrong type is refused with Go's text (contract 02.0). Writing: compact, in the order of the
struct, with `<`, `>` and `&` escaped.

For each type a reader and a writer is built once, from its annotations; a definition of 150 keys is read in some 40 us.
"""

from __future__ import annotations

import json
import math
from typing import Any, TypeVar, cast

import msgspec

from sluicegate.apidef.goreaders import Mismatch, reader_of
from sluicegate.apidef.gowriters import writer_of
from sluicegate.errors import ConfigError

T = TypeVar("T")

LONGEST_DOCUMENT_BYTES = 32 << 20
DEEPEST_LEVEL = 200

_plain = msgspec.json.Decoder()
_compact = msgspec.json.Encoder()


def decode(data: bytes | str, kind: type[T], where: str = "") -> T:
    """Return the struct that a JSON text says. Raises ConfigError, with `where` as its place."""
    return convert(parse(data, where), kind, where)


def convert(value: object, kind: type[T], where: str = "") -> T:
    """Return the struct that a value of `parse` says. Raises ConfigError."""
    try:
        return cast(T, reader_of(cast(Any, kind))(value))
    except Mismatch as wrong:
        raise ConfigError(where, str(wrong)) from None


def parse(data: bytes | str, where: str = "") -> Any:
    """Return what a JSON text says, as dicts, lists, strings, numbers, bools and None. Raises ConfigError.

    A document over 32 MB or nested more than 200 levels deep is refused.
    """
    if len(data) > LONGEST_DOCUMENT_BYTES:
        raise ConfigError(where, f"the document is longer than {LONGEST_DOCUMENT_BYTES} bytes")
    try:
        try:
            value = _plain.decode(data)
        except (msgspec.DecodeError, UnicodeError):
            value = _parse_leniently(data, where)
    except RecursionError:
        raise ConfigError(where, "exceeded max depth") from None
    if _is_too_deep(value):
        raise ConfigError(where, "exceeded max depth")
    return value


def encode(value: object, *, newline: bool = False) -> bytes:
    """Return a struct, or a list or map of them, as Go's json.Encoder writes it; `newline` as the Encoder ends it."""
    text = _compact.encode(writer_of(cast(Any, type(value)))(value))
    if b"<" in text or b">" in text or b"&" in text or b"\xe2\x80" in text:
        for plain, escaped in _ESCAPES:
            text = text.replace(plain, escaped)
    return text + b"\n" if newline else text


_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


def condensed(document: bytes) -> bytes:
    """Return a document without blanks; one that is no JSON as it is: whoever reads it says so."""
    try:
        return msgspec.json.format(document, indent=-1)
    except msgspec.DecodeError:
        return document


def indented(data: bytes) -> bytes:
    """Return a JSON text with two blanks a level, as Tyk's files are written."""
    return msgspec.json.format(data, indent=2)


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST_LEVEL):
        level = [
            inner
            for outer in level
            if outer.__class__ in _CONTAINERS
            for inner in (outer.values() if outer.__class__ is dict else outer)
            if inner.__class__ in _CONTAINERS
        ]
        if not level:
            return False
    return True


_CONTAINERS = (dict, list)


def _parse_leniently(data: bytes | str, where: str) -> Any:
    """Read what msgspec refused and Go may take: broken UTF-8 and lone surrogates. Raises ConfigError."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    try:
        value = _lenient.decode(text)
        # Once more, so that no lone surrogate is left.
        again = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return json.loads(again)
    except json.JSONDecodeError as error:
        raise ConfigError(where, f"{_go_text(text, error)} at line {error.lineno}, column {error.colno}") from None
    except ValueError as error:
        raise ConfigError(where, str(error)) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"invalid character {name[0]!r} looking for beginning of value")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"json: cannot unmarshal number {text[:40]} into Go value of type float64")
    return number


# Made once: each goes round in a circle with its scanner, and would be left to the garbage collector.
_lenient = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def _go_text(text: str, error: json.JSONDecodeError) -> str:
    if not text[error.pos :].strip():
        return "unexpected end of JSON input"
    if error.msg == "Extra data":
        return f"invalid character {text[error.pos]!r} after top-level value"
    if error.msg == "Expecting value":
        return f"invalid character {text[error.pos]!r} looking for beginning of value"
    return f"invalid JSON: {error.msg}"
