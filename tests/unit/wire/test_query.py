"""Single parameters of a query."""

from __future__ import annotations

import pytest

from sluicegate.wire.query import parameter_of, without_parameter


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"key=abc", "abc"),
        (b"a=1&key=abc&key=def", "abc"),
        (b"k%65y=a%20b+c", "a b c"),
        (b"key", ""),
        (b"keys=abc", ""),
        (b"x=1;key=abc", ""),
        (b"key=a;b", ""),
        (b"key=a%zz", "a%zz"),
        (b"", ""),
    ],
)
def test_first_value_unescaped(query: bytes, expected: str) -> None:
    assert parameter_of(query, b"key") == expected


def test_bytes_that_are_no_text_are_kept() -> None:
    assert parameter_of(b"key=%ff", b"key").encode("utf-8", "surrogateescape") == b"\xff"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"key=abc", b""),
        (b"a=%31&key=abc&b=2&k%65y=x", b"a=%31&b=2"),
        (b"keys=abc&x", b"keys=abc&x"),
    ],
)
def test_taking_a_parameter_out_leaves_the_rest_as_it_was(query: bytes, expected: bytes) -> None:
    assert without_parameter(query, b"key") == expected
