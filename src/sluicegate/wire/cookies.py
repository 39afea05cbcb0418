"""Cookies of a request (RFC 6265 section 4.2): one found, or taken out of the field's value."""

from __future__ import annotations

from collections.abc import Iterable


def cookie_of(values: Iterable[bytes], name: bytes) -> str:
    """Return the first value of a cookie in the values of the Cookie fields, without quotes; "" when there is none."""
    for value in values:
        for pair in value.split(b";"):
            key, _, text = pair.strip(b" \t").partition(b"=")
            if key == name:
                if len(text) > 1 and text[:1] == text[-1:] == b'"':
                    text = text[1:-1]
                return text.decode("utf-8", "surrogateescape")
    return ""


def without_cookie(value: bytes, name: bytes) -> bytes:
    """Return the value of a Cookie field without that cookie; b"" when none is left."""
    kept = [pair for one in value.split(b";") if (pair := one.strip(b" \t")) and pair.partition(b"=")[0] != name]
    return b"; ".join(kept)
