"""Which of a Redis Cluster's 16384 slots a name is in, and which servers have which slots.

Source: the Redis Cluster specification, "Key distribution model" and "Hash tags"; CLUSTER SLOTS.
"""

from __future__ import annotations

from binascii import crc_hqx
from typing import NamedTuple

from sluicegate.store.redis.link import Address
from sluicegate.store.tokens import to_bytes

SLOTS = 16384


class Shard(NamedTuple):
    """A stretch of slots, the last included, the master that has them, and its replicas."""

    first: int
    last: int
    master: Address
    replicas: tuple[Address, ...]


def slot_of(name: bytes) -> int:
    """Return the slot of a name: by what stands between its first braces, if something does."""
    start = name.find(b"{")
    if start >= 0:
        end = name.find(b"}", start + 1)
        if end > start + 1:
            name = name[start + 1 : end]
    return crc_hqx(name, 0) % SLOTS  # CRC-16/XMODEM


def beside(name: str, prefix: str) -> str:
    """Return a name that begins with the prefix, in the slot of another name, so that one script may change both.

    Empty when neither form is in that slot, as with a name that closes a brace it never opened.
    """
    slot = slot_of(to_bytes(name))
    forms = (f"{prefix}{name}", f"{prefix}{{{name}}}")
    return next((form for form in forms if slot_of(to_bytes(form)) == slot), "")


def read_shards(answer: object, asked: Address) -> list[Shard]:
    """Return what CLUSTER SLOTS says; `asked`: who said so. Raises ValueError when it is something else."""
    shards = []
    try:
        for first, last, *servers in answer:  # type: ignore[attr-defined]  # checked by trying
            master, *replicas = (_address(server[0], server[1], asked) for server in servers)
            if not 0 <= first <= last < SLOTS:
                raise ValueError(f"slots {first} to {last}")
            shards.append(Shard(first, last, master, tuple(replicas)))
    except (TypeError, IndexError, AttributeError) as error:
        raise ValueError(str(error)) from error
    return shards


def read_redirect(text: str, asked: Address) -> tuple[int, Address]:
    """Return slot and address of a refusal such as `MOVED 3999 10.0.0.1:6381`. Raises ValueError."""
    _kind, slot, place = text.split(" ")[:3]
    if not 0 <= int(slot) < SLOTS:
        raise ValueError(f"slot {slot}")
    host, _colon, port = place.rpartition(":")
    return int(slot), _address(host.encode(), int(port), asked)


def _address(host: bytes | None, port: int, asked: Address) -> Address:
    """A server that does not know its own address means the one it was asked at."""
    known = host not in (None, b"", b"?")
    return (host.decode() if known and host is not None else asked[0], int(port))
