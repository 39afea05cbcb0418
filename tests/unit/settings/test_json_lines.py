import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import ConfigError
from sluicegate.settings.convert import plain
from sluicegate.settings.json_lines import Object, parse

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from([None, 1]))
def test_reads_what_python_writes(document: object, indent: int | None) -> None:
    read = plain(parse(json.dumps(document, indent=indent).encode(), "x"))
    assert json.dumps(read) == json.dumps(document)


def test_lines_are_those_where_names_and_values_begin() -> None:
    document = parse(b'{\n "a":\n  [1,\n 2],\n\n "b": {"c": "x"}}', "x").data
    assert isinstance(document, Object)
    a, b = document.members
    assert (a.line, a.value.line, b.line) == (2, 3, 6)
    assert isinstance(a.value.data, list) and [item.line for item in a.value.data] == [3, 4]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"", "f:1: the document is empty (column 1) (an empty object is written {})"),
        (b'{"a": 1\n "b": 2}', 'f:2: expected "," or "}", found "b" (column 2) (is a comma missing?)'),
        (b'{"a": 1,\n}', 'f:2: expected a name after ",", found "}" (column 1) (the last comma is one too many)'),
        (b"[1,]", 'f:1: expected a value after ",", found "]" (column 4) (the last comma is one too many)'),
        (b'{"a": 1 // b\n}', 'f:1: expected "," or "}", found "/" (column 9) (JSON has no comments)'),
        (b"{'a': 1}", 'f:1: expected a name in double quotes, found "\'" (column 2) (texts and names stand in double'),
        (b'{"a": True}', 'f:1: expected a value, found "True" (column 7) (write true)'),
        (b'{"a" 1}', 'f:1: expected ":" after "a", found "1" (column 6)'),
        (b'{"a": "x\ny"}', "f:1: a text without its closing quote (column 7)"),
        (b'{"a": "\\q"}', "f:1: a text with a wrong escape (column 7) (a backslash is written \\\\)"),
        (b"{} {}", 'f:1: expected the end of the document, found "{" (column 4)'),
        (b"\xef\xbb\xbf{}", "f:1: a byte order mark before the document (column 1)"),
        (b"[" * 200, "f:1: nested more than 100 levels deep (column 102)"),
        (b"9" * 500, "f:1: a number of more than 400 characters (column 1)"),
    ],
)
def test_says_where_and_why_it_is_not_json(document: bytes, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(document, "f")
    assert str(error.value).startswith(message)


def test_a_value_without_its_name_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as error:
        parse(b'{"secret" "hunter2"}', "f")
    assert "hunter2" not in str(error.value)


def test_half_a_surrogate_pair_and_broken_utf8_become_replacement_characters() -> None:
    assert parse(b'"\\ud83d\\ude00 \\ud800 \xff"', "f").data == "😀 \ufffd \ufffd"
