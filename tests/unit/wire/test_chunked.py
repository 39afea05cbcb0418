"""Chunked bodies are read piece by piece, and end exactly where they end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import BadMessage
from sluicegate.wire.chunked import ChunkedReader, chunk, last_chunk
from sluicegate.wire.headers import make_field

BODY = b"4\r\nWiki\r\n6;a=b\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\nGET /next"


@given(st.lists(st.integers(0, len(BODY)), max_size=8))
def test_however_it_is_cut_the_body_is_the_same(cuts: list[int]) -> None:
    reader = ChunkedReader()
    at, payload, beyond = 0, b"", b""
    for cut in [*sorted(cuts), len(BODY)]:
        piece, rest = reader.feed(BODY[at:cut])
        payload += piece
        beyond += rest
        at = cut
    assert payload == b"Wikipedia in \r\n\r\nchunks."
    assert reader.done and beyond == b"GET /next"
    assert [field.line for field in reader.trailers] == [b"X-Sum: 1\r\n"]


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n",
        b"+4\r\nWiki\r\n",
        b"4 4\r\nWiki\r\n",
        b"0x4\r\nWiki\r\n",
        b"4\nWiki\r\n",
        b"4\r\nWikipedia\r\n",
        b"4\r\nWiki\n0\r\n\r\n",
        b"4;\x01\r\nWiki\r\n",
        b"ffffffffffffffffff\r\n",
        b"-1\r\n",
        b"0\r\nA : b\r\n\r\n",
        b"4" + b" " * 5000,
        b"0\r\n" + b"A: b\r\n" * 65 + b"\r\n",
    ],
)
def test_what_is_no_chunk_is_refused(body: bytes) -> None:
    with pytest.raises(BadMessage):
        ChunkedReader().feed(body)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_body_or_refused(body: bytes) -> None:
    try:
        ChunkedReader().feed(body)
    except BadMessage as error:
        assert error.status == 400


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
def test_what_is_written_is_read_again(pieces: list[bytes]) -> None:
    reader = ChunkedReader()
    payload, beyond = reader.feed(b"".join(map(chunk, pieces)) + last_chunk([make_field(b"x-a", b"1")]))
    assert payload == b"".join(pieces) and reader.done and not beyond
