"""Messages between supervisor and workers: however the bytes come, and what becomes of noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.listener.channel import Answer, Ask, AskPage, Do, Done, Drain, MessageReader, Ready, encode

MESSAGES = [
    Ready(),
    Ask(1, "reload", b"\x00"),
    AskPage(2),
    Do(3, "reload"),
    Done(3, "no"),
    Answer(1, data=b"x" * 999),
    Drain(),
]


@given(st.lists(st.integers(1, 400), max_size=20))
def test_messages_come_out_whole_however_they_are_cut(sizes: list[int]) -> None:
    data = b"".join(map(encode, MESSAGES))
    reader, found, at = MessageReader(), [], 0
    for size in [*sizes, len(data)]:
        found += reader.feed(data[at : at + size])
        at += size
    assert found == MESSAGES


@pytest.mark.parametrize(
    "noise", [b"\xff\xff\xff\xff", b"\0\0\0\1\xc1", b"\0\0\0\2\x92\x01", encode(Ready())[:4] + b"x" * 9]
)
def test_noise_is_an_error(noise: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        MessageReader().feed(noise + bytes(20))
