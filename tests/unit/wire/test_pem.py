"""PEM, as Go reads and writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.wire.pem import Block, blocks_of, text_of

ONE = Block("CERTIFICATE", b"\x30\x03abc" * 20)
KEY = Block("RSA PRIVATE KEY", b"secret", {"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"})


def test_what_is_written_is_read() -> None:
    text = text_of(ONE) + b"\n" + text_of(KEY)
    assert list(blocks_of(text)) == [ONE, KEY]
    assert [block.is_private_key for block in (ONE, KEY)] == [False, True]


def test_lines_and_headers_are_those_of_openssl() -> None:
    lines = text_of(ONE).split(b"\n")
    assert lines[0] == b"-----BEGIN CERTIFICATE-----"
    assert {len(line) for line in lines[1:-3]} == {64}
    assert lines[-2:] == [b"-----END CERTIFICATE-----", b""]
    assert text_of(KEY).split(b"\n")[1:4] == [b"Proc-Type: 4,ENCRYPTED", b"DEK-Info: AES-256-CBC,00", b""]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"words before\n" + text_of(ONE) + b"words behind", [ONE]),
        (text_of(ONE).replace(b"\n", b"\r\n"), [ONE]),
        (text_of(ONE).replace(b"\n", b" "), [ONE]),
        (text_of(ONE)[:-10], []),
        (b"-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n" + text_of(ONE), [ONE]),
        (b"-----BEGIN OTHER-----\n" + text_of(ONE), [ONE]),
        (b"-----BEGIN CERTIFICATE-----\n" * 3, []),
        (b"", []),
    ],
)
def test_what_is_no_block_is_passed_over(text: bytes, expected: list[Block]) -> None:
    assert list(blocks_of(text)) == expected


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_never_fails(before: bytes, data: bytes) -> None:
    assert Block("X", data) in list(blocks_of(before + b"\n" + text_of(Block("X", data))))
