"""Slots as the Redis Cluster specification has them, and maps and redirects as servers write them."""

from __future__ import annotations

import pytest

from sluicegate.store.redis.slots import Shard, beside, read_redirect, read_shards, slot_of

ASKED = ("10.0.0.9", 6379)


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        (b"123456789", 0x31C3),
        (b"foo", 12182),
        (b"{user1000}.following", slot_of(b"user1000")),
        (b"foo{}{bar}", 8363),
        (b"foo{{bar}}zap", slot_of(b"{bar")),
        (b"foo{bar}{zap}", slot_of(b"bar")),
        (b"", 0),
    ],
)
def test_a_name_has_the_slot_of_the_specification(name: bytes, slot: int) -> None:
    assert slot_of(name) == slot


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("quota-k1", "told-{quota-k1}"),
        ("sluice-limit-{rate-limit-k1}", "told-sluice-limit-{rate-limit-k1}"),
        ("quota-a{b", "told-{quota-a{b}"),
        ("quota-a{b}{c}", "told-quota-a{b}{c}"),
        ("quota-\udcff", "told-{quota-\udcff}"),
        ("quota-a}b", ""),
    ],
)
def test_a_name_beside_another_is_in_its_slot(name: str, other: str) -> None:
    assert beside(name, "told-") == other


def test_a_map_is_read_and_servers_that_do_not_know_their_address_are_where_they_were_asked() -> None:
    answer = [
        [0, 8000, [b"10.0.0.1", 6379, b"id", []], [b"", 6380, b"id"]],
        [8001, 16383, [None, 6381, b"id", [b"hostname", b"h"]]],
    ]
    assert read_shards(answer, ASKED) == [
        Shard(0, 8000, ("10.0.0.1", 6379), (("10.0.0.9", 6380),)),
        Shard(8001, 16383, ("10.0.0.9", 6381), ()),
    ]


@pytest.mark.parametrize(
    "answer", [None, 7, [[1]], [[0, 1]], [[0, 99999, [b"a", 1]]], [[5, 1, [b"a", 1]]], [["x", 1, 2]]]
)
def test_what_is_no_map_is_an_error(answer: object) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_shards(answer, ASKED)


def test_redirects_are_read() -> None:
    assert read_redirect("MOVED 3999 127.0.0.1:6381", ASKED) == (3999, ("127.0.0.1", 6381))
    assert read_redirect("ASK 3999 ::1:6381", ASKED) == (3999, ("::1", 6381))
    assert read_redirect("MOVED 3999 :6381", ASKED) == (3999, ("10.0.0.9", 6381))
    for text in ("MOVED", "MOVED x 1.2.3.4:1", "MOVED 3 1.2.3.4:x", "MOVED 99999 a:1"):
        with pytest.raises(ValueError, match=r".*"):
            read_redirect(text, ASKED)
