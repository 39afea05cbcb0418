from __future__ import annotations

import pytest

from sluicegate.chain.json_field import field_of, steps_of

TEXT = '{"a": {"b.c": "x", "list": [1, 2.50, true, null, {}]}, "é": "ü"}'


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.list.0", "1"),
        ("a.list.1", "2.50"),
        ("a.list.2", "true"),
        ("a.list.3", ""),
        ("a.list.4", None),
        ("a.list.5", None),
        ("a.list", None),
        ("a.list.x", None),
        (r"a.b\.c", "x"),
        ("é", "ü"),
        ("a.none", None),
        ("a.list.0.b", None),
    ],
)
def test_finds(path: str, value: str | None) -> None:
    assert field_of(TEXT, steps_of(path)) == value


@pytest.mark.parametrize("text", ["", "no JSON", "[" * 100_000, '{"a": 1'])
def test_what_is_no_json_has_no_field(text: str) -> None:
    assert field_of(text, ("a",)) is None
