"""Keys that were in use lately, as the store had them: what a node goes by while the store is away.

Policies are not applied here, so that those in force count. A key that was written on this node, or that the store did
not have any more, is dropped; what is older than `stale_s` is not gone by. With a file (`known_keys_file`) they outlive
the process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from sluicegate.clock import now

MOST_KNOWN = 10_000


class KnownKey(msgspec.Struct, frozen=True, array_like=True):
    """A key as it was read.

    place:  stands for what the client sent and the organisation of the API.
    number: which of the tokens that it may mean it was (`KeyRecords.tokens_of`).
    name:   under which it is stored. data: what was stored.
    read_s: when that was, in seconds since 1970.
    """

    place: bytes
    number: int
    name: str
    data: bytes
    read_s: float


class KnownKeys:
    """What is known, the latest read last."""

    def __init__(self, stale_s: float) -> None:
        """stale_s: how old a copy may be; 0 keeps none."""
        self._stale_s = stale_s
        self._keys: dict[bytes, KnownKey] = {}
        self._places: dict[str, set[bytes]] = {}
        self.changes = 0
        """Grows with every change."""

    def keep(self, given: str, org_id: str, number: int, name: str, data: bytes) -> None:
        """A key was read from the store."""
        if self._stale_s > 0:
            self._put(KnownKey(place_of(given, org_id), number, name, data, now()))

    def find(self, given: str, org_id: str) -> KnownKey | None:
        """Return what is known of a key, if it is young enough."""
        return self.at(place_of(given, org_id))

    def at(self, place: bytes) -> KnownKey | None:
        """Return what is known of the key with that place, if it is young enough."""
        known = self._keys.get(place)
        return known if known is not None and abs(now() - known.read_s) <= self._stale_s else None

    def drop(self, given: str, org_id: str) -> None:
        """The store does not have this key."""
        self._remove(place_of(given, org_id))

    def forget(self, names: Iterable[str]) -> None:
        """These sessions were written here."""
        for name in names:
            for place in tuple(self._places.get(name, ())):
                self._remove(place)

    def knows(self, name: str) -> bool:
        """Return whether there is a copy of a session, by its name in the store."""
        return name in self._places

    def refresh(self, name: str, data: bytes | None, asked_s: float) -> None:
        """The store was asked for a session at that moment; None: it does not have it. Newer copies are left alone."""
        for place in tuple(self._places.get(name, ())):
            known = self._keys[place]
            if known.read_s > asked_s:
                continue
            if data:
                self._put(msgspec.structs.replace(known, data=data, read_s=asked_s))
            else:
                self._remove(place)

    def learn(self, keys: Iterable[KnownKey]) -> None:
        """Take over what others know, as far as it is news."""
        for known in sorted(keys, key=lambda known: known.read_s):
            mine = self._keys.get(known.place)
            if (mine is None or mine.read_s < known.read_s) and abs(now() - known.read_s) <= self._stale_s:
                self._put(known)

    def all(self) -> list[KnownKey]:
        """Return everything that is young enough."""
        oldest = now() - self._stale_s
        return [known for known in self._keys.values() if known.read_s >= oldest]

    def _put(self, known: KnownKey) -> None:
        self._remove(known.place)
        if len(self._keys) >= MOST_KNOWN:
            self._remove(next(iter(self._keys)))
        self._keys[known.place] = known
        self._places.setdefault(known.name, set()).add(known.place)
        self.changes += 1

    def _remove(self, place: bytes) -> None:
        known = self._keys.pop(place, None)
        if known is not None:
            self.changes += 1
            places = self._places[known.name]
            places.discard(place)
            if not places:
                del self._places[known.name]


def place_of(given: str, org_id: str) -> bytes:
    """Return what stands for a key as a client of an organisation's API sends it."""
    return hashlib.sha256(f"{org_id}\0{given}".encode("utf-8", "surrogateescape")).digest()
