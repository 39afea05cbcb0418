"""Which nodes share the store, as they announce themselves, in Tyk's words (contract 07.5).

Each node tells every few seconds that it is there, and is forgotten when it has not for a while. Announcements come
through the store: as long as a node does not hear itself it hears nobody, so it goes by the count it had last. So does
a worker that takes the place of another, until it has listened for long enough to have heard everybody.
"""

from __future__ import annotations

import socket
from math import inf

import msgspec

from sluicegate.clock import ticks

FORGOTTEN_S = 4.0
MOST_SERVERS = 10_000


class Announcement(msgspec.Struct):
    """What a node tells of itself; `LoadPerSec` is in the form and means nothing."""

    HostName: str = ""
    ID: str = ""
    LoadPerSec: int = 1
    Percentage: float = 1.0
    TagHash: str = ""


_decode = msgspec.json.Decoder(Announcement).decode


class Servers:
    """The nodes that are there, this one included."""

    def __init__(self, node_id: str, tags: str = "", last_count: memoryview | None = None) -> None:
        """tags: all tags of a segmented node, one behind the other; nodes with others do not count.

        last_count: one number (`q`), 0 at first, that outlives a worker: where the count is kept.
        """
        self._host, self._id, self._tags = socket.gethostname(), node_id, tags
        self._self = f"{node_id}|{self._host}"
        self._last_heard: dict[str, float] = {}
        self._last_count = last_count or memoryview(bytearray(8)).cast("q")
        self._count = self._found_count = max(1, self._last_count[0])
        self._found_until = inf

    @property
    def count(self) -> int:
        """How many share the limits now; at least 1."""
        return self._count

    def announcement(self) -> str:
        """Return what to tell the others."""
        told = Announcement(self._host, self._id, 1, 1 / self._count, self._tags)
        return msgspec.json.encode(told).decode()

    def hear(self, payload: str) -> None:
        """A node has announced itself; others count from when this one has heard itself."""
        try:
            told = _decode(payload)
        except (msgspec.DecodeError, UnicodeError):
            return
        server = f"{told.ID}|{told.HostName}"
        is_one_of_us = told.TagHash == self._tags and (server == self._self or self._self in self._last_heard)
        if is_one_of_us and (server in self._last_heard or len(self._last_heard) < MOST_SERVERS):
            self._last_heard[server] = ticks()
        self._recount()

    def _recount(self) -> None:
        """Forget those that are silent; whoever does not hear itself keeps the count."""
        oldest = ticks() - FORGOTTEN_S
        if self._last_heard.get(self._self, 0.0) > oldest:
            self._last_heard = {server: heard for server, heard in self._last_heard.items() if heard > oldest}
            self._found_until = min(self._found_until, ticks() + FORGOTTEN_S)
            at_least = self._found_count if ticks() < self._found_until else 1
            self._count = self._last_count[0] = max(at_least, len(self._last_heard))
