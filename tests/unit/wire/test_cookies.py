"""Single cookies of a request."""

from __future__ import annotations

import pytest

from sluicegate.wire.cookies import cookie_of, without_cookie


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"key=abc"], "abc"),
        ([b"a=1; key=abc; key=def"], "abc"),
        ([b"a=1", b'key="a b"'], "a b"),
        ([b"Key=abc; keys=1; key2=x"], ""),
        ([b"key=a=b"], "a=b"),
        ([b'key="'], '"'),
        ([], ""),
    ],
)
def test_first_value_of_any_field(values: list[bytes], expected: str) -> None:
    assert cookie_of(values, b"key") == expected


def test_taking_a_cookie_out_leaves_the_others() -> None:
    assert without_cookie(b"a=1; key=x;b=2; key=y", b"key") == b"a=1; b=2"
    assert without_cookie(b"key=x", b"key") == b""
