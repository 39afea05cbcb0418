"""What is said when Redis goes, and when it returns: one line each, however many requests notice."""

from __future__ import annotations

from collections.abc import Callable

from sluicegate.clock import ticks

Log = Callable[..., None]
"""Writes a log line: level, message, fields."""


def silent(_level: str, _message: str, **_fields: object) -> None:
    """Log nothing."""


class Outage:
    """Knows which servers are away. `where` is whatever tells one from another: an address, a role."""

    def __init__(self, log: Log, topology: str, purpose: str) -> None:
        """purpose: what the store is for, as the settings call it: `storage`, `cache_storage`."""
        self._log, self._topology, self._purpose = log, topology, purpose
        self._away: set[str] = set()
        self._since = self._ended = 0.0
        self._is_greeted = False

    def lost(self, where: str, reason: str) -> None:
        """Calls have failed, or a server could not be reached."""
        if not self._away:
            self._since = ticks()
            self._log("error", "Redis is away", prefix="store", store=self._purpose, server=where, error=reason)
        self._away.add(where)

    def found(self, where: str) -> None:
        """A server answers, or is not needed any more."""
        if where in self._away:
            self._away.discard(where)
            if not self._away:
                self._ended = ticks()
                away_s = round(self._ended - self._since, 1)
                self._log("info", "Redis is back", prefix="store", store=self._purpose, server=where, away_s=away_s)
        elif not self._is_greeted and not self._away:
            kind = self._topology
            self._log("info", "Connected to Redis", prefix="store", store=self._purpose, topology=kind, server=where)
        self._is_greeted = True

    def reaches(self, moment_ticks: float) -> bool:
        """Return whether servers are away, or were at that moment or later."""
        return bool(self._away) or self._ended >= moment_ticks > 0
