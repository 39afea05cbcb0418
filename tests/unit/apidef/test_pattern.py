"""Patterns: RE2's syntax, the three shortcuts, and what paths become."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.apidef.pattern import compile_pattern, path_pattern, path_regexp
from sluicegate.errors import ConfigError


@pytest.mark.parametrize(
    "text", ["a{1001}", "(?=a)", "(?!a)", "(?<=a)b", r"(a)\1", "(", "[a", "*", "\ud800", "a" * 20_000]
)
def test_what_re2_refuses_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError, match="error parsing regexp"):
        compile_pattern(text)


@pytest.mark.parametrize(
    ("text", "subject"), [("(?<n>a)", "ba"), (r"\x{41}", "A"), (r"\pL", "é"), ("a{1000}", "a" * 1000), ("(?i)ab", "AB")]
)
def test_what_re2_takes(text: str, subject: str) -> None:
    assert compile_pattern(text).found(subject)


def test_search_returns_the_whole_and_its_groups() -> None:
    pattern = compile_pattern("/(a+)|/(é+)x")
    assert pattern.search("q/ééx") == ("/ééx", "", "éé")
    assert pattern.search("q") is None
    assert pattern.groups == 2


def test_all_matches_in_order_up_to_so_many() -> None:
    assert list(compile_pattern("a(.)").search_all("a1 a2 é a3", 2)) == [("a1", "1"), ("a2", "2")]
    assert [found for (found,) in compile_pattern("^a|b*").search_all("aab", 9)] == ["a", "b"]
    assert [found for (found,) in compile_pattern("b*").search_all("abc", 9)] == ["", "b", ""]
    assert list(compile_pattern("x").search_all("", 9)) == []


def test_patterns_are_shared() -> None:
    assert compile_pattern("/shared") is compile_pattern("/shared")


@pytest.mark.parametrize(
    ("path", "regexp"),
    [
        ("/users", "/users"),
        ("/users/{id}", "/users/([^/]+)"),
        ("/users/{id}/{", "/users/{id}/{"),
        ("/a/*/b/*", "/a/[^/]+/b/.*"),
        ("/a{2}", "/a([^/]+)"),
    ],
)
def test_a_path_becomes_a_regexp(path: str, regexp: str) -> None:
    assert path_regexp(path) == regexp


def test_prefix_and_suffix_matching() -> None:
    assert path_regexp("/a", prefix=True, suffix=True) == "^/a$"
    assert path_regexp("a$", prefix=True, suffix=True) == "a$"


@pytest.mark.parametrize(
    ("path", "options", "hits", "misses"),
    [
        ("/b", {}, ["/b", "/a/bc"], ["/a"]),
        ("/b", {"prefix": True}, ["/b", "/bc"], ["/a/b"]),
        ("/b", {"suffix": True}, ["/b", "/a/b"], ["/bc", "/b\n"]),
        ("/b", {"prefix": True, "suffix": True}, ["/b"], ["/b/", "/a/b", "/b\n"]),
        ("/B", {"ignore_case": True}, ["/b", "/ü/b"], ["/a"]),
        ("/u/{id}", {"prefix": True, "suffix": True}, ["/u/1", "/u/\udcff"], ["/u/", "/u/1/2", "/u/1\n/"]),
        ("/u/{id}/x", {"ignore_case": True}, ["/U/1/X"], ["/u/x"]),
        ("/tail/*", {}, ["/tail/", "/tail/a/b", "/tail/\udcff"], ["/tail"]),
    ],
)
def test_what_paths_match(path: str, options: dict[str, bool], hits: list[str], misses: list[str]) -> None:
    pattern = path_pattern(path, **options)
    assert [subject for subject in hits if not pattern.found(subject)] == []
    assert [subject for subject in misses if pattern.found(subject)] == []


def test_bad_utf8_is_matched_as_one_character_each() -> None:
    assert compile_pattern("^/a/..$").search("/a/\udcff\udcfe") == ("/a/\ufffd\ufffd",)


@given(st.text("/ab{}*.$^()[]+?|\\", max_size=12), st.text("/abAB.\n", max_size=12), st.booleans())
def test_shortcuts_agree_with_re2(text: str, subject: str, ignore_case: bool) -> None:
    try:
        pattern = compile_pattern(text, ignore_case)
    except ConfigError:
        return
    assert bool(pattern.found(subject)) == (pattern.search(subject) is not None), re.escape(text)
