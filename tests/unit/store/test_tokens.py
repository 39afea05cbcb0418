"""Token forms and hashes: the vectors of the compatibility notes."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.store import tokens

ORG = "5e9d9544a1dcd60001d0ed20"
LONG = "eyJvcmciOiI1ZTlkOTU0NGExZGNkNjAwMDFkMGVkMjAiLCJpZCI6ImFiYzEyMyIsImgiOiJtdXJtdXI2NCJ9"


@pytest.mark.parametrize(
    ("text", "algorithm", "expected"),
    [
        ("hello", "", "ef13efcd"),
        ("hello", "murmur32", "ef13efcd"),
        ("hello", "no such thing", "ef13efcd"),
        ("hello", "murmur64", "cbd8a7b341bd9b02"),
        ("hello", "murmur128", "cbd8a7b341bd9b025b1e906a48ae1d19"),
        ("hello, world", "murmur32", "98b32401"),
        ("hello, world", "murmur64", "342fac623a5ebc8e"),
        ("hello, world", "murmur128", "342fac623a5ebc8e4cdcbc079642414d"),
        ("default", "", "2f25c839"),
        ("defaultcustom1", "", "1ec2c1fc"),
        ("GET:/ep", "", "355a3178"),
        ("apilimiter-defaultk1", "", "465c196e"),
        ("abcd", "", "86a7049e"),
        ("abcdefg", "", "86a7049e"),
        ("abc", "", "00000000"),
        ("", "", "00000000"),
        ("abc", "sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ],
)
def test_a_hash_is_tyks(text, algorithm, expected):
    assert tokens.hash_text(text, algorithm) == expected


def test_a_long_token_names_its_own_hash():
    assert tokens.make_token(ORG, "abc123", "murmur64") == LONG
    assert tokens.hash_token(LONG) == "310d0e5d8d1ee787"
    assert tokens.org_of(LONG) == ORG
    assert tokens.id_of(LONG) == "abc123"


def test_a_short_token_is_the_org_and_the_id():
    token = tokens.make_token(ORG)
    assert token.startswith(ORG)
    assert len(token) == 24 + 32
    assert tokens.org_of(token) == ORG
    assert tokens.hash_token("defaultcustom1") == "1ec2c1fc"


@pytest.mark.parametrize("token", [ORG, "custom", "", "ey", "eyJvcmciOiI1", "eyé", "ey\udcff", "z" * 30])
def test_what_names_no_org_has_none(token):
    assert tokens.org_of(token) == ""


def test_composing_is_idempotent_and_unknown_algorithms_become_murmur64():
    assert tokens.make_token(ORG, ORG + "abc123", "murmur64") == LONG
    assert tokens.make_token(ORG, "abc123", "zork") == LONG
    assert tokens.make_token("default", "defaultabc") == "defaultabc"


def test_a_token_without_algorithm_is_hashed_by_murmur32():
    token = base64.b64encode(b'{"org":"o","id":"i"}').decode()
    assert tokens.hash_token(token) == tokens.hash_text(token, "murmur32")


def test_a_token_of_the_org_is_looked_up_as_it_stands():
    assert tokens.candidates(LONG, ORG, "murmur64", ["sha256"]) == [LONG]
    assert tokens.candidates("custom", "") == ["custom"]


def test_a_custom_key_is_tried_composed_then_bare_then_by_the_fallbacks():
    assert tokens.candidates("custom", "default", "murmur64", ["murmur32", "sha256"]) == [
        tokens.make_token("default", "custom", "murmur64"),
        "custom",
        tokens.make_token("default", "custom", "murmur32"),
        tokens.make_token("default", "custom", "sha256"),
    ]
    assert tokens.candidates("custom", "default", composed=False) == ["custom"]
    assert tokens.candidates("defaultcustom", "default") == ["defaultcustom"]


@given(st.binary(max_size=80))
def test_any_bytes_can_be_looked_up(data):
    token = data.decode("utf-8", "surrogateescape")
    for candidate in tokens.candidates(token, "default", "murmur64", ["murmur128"]):
        assert tokens.hash_token(candidate)
