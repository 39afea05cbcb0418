"""Query strings as they stand in a URL: one parameter found, or taken out, and all else left as it is."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes


def parameter_of(query: bytes, name: bytes) -> str:
    """Return the first value of a parameter, unescaped; "" when there is none or its escapes are broken."""
    for pair in query.split(b"&"):
        key, _, value = pair.partition(b"=")
        if _unescaped(key) == name and b";" not in pair:
            return _unescaped(value).decode("utf-8", "surrogateescape")
    return ""


def without_parameter(query: bytes, name: bytes) -> bytes:
    """Return the query without a parameter, however often and however it was written."""
    return b"&".join([pair for pair in query.split(b"&") if _unescaped(pair.partition(b"=")[0]) != name])


def _unescaped(text: bytes) -> bytes:
    if b"+" in text:
        text = text.replace(b"+", b" ")
    return unquote_to_bytes(text) if b"%" in text else text
