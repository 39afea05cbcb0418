"""How busy the workers of a node are, read from their sheets: no worker is asked, and nothing is counted for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from struct import unpack_from

from sluicegate.analytics import metrics as m
from sluicegate.analytics.sheet import CELL, END, Memory, open_sheet
from sluicegate.clock import ticks

SHORTEST_WINDOW_S = 1.0
"""The sheets are written once a second."""
ERRORS = [at for at, code in enumerate(m.CODES) if code.startswith("5")]


@dataclass(frozen=True, slots=True)
class Vitals:
    """Rates are those since the reading before; see `cluster.members.Report`."""

    load: float = 0.0
    error_rate: float = 0.0
    requests_per_s: float = 0.0
    memory_mb: float = 0.0
    streams: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """What all workers have counted up to now."""

    cpu_s: float = 0.0
    requests: float = 0.0
    errors: float = 0.0


class VitalSigns:
    """Reads the sheets of one node again and again."""

    def __init__(self, layout: m.Layout, sheets: Sequence[Memory]) -> None:
        self._layout, self._memories = layout, sheets
        self._before, self._read_at = self._totals(), ticks()
        self._last = Vitals()

    def read(self) -> Vitals:
        """Return how it goes; rates within a second are those that were read before."""
        seconds = ticks() - self._read_at
        if seconds >= SHORTEST_WINDOW_S:
            self._last = self._rates(seconds)
        memory_mb = round(self.total("memory_bytes") / 1e6, 1)
        return replace(self._last, memory_mb=memory_mb, streams=int(self.total("streams")))

    def _rates(self, seconds: float) -> Vitals:
        before, totals = self._before, self._totals()
        self._before, self._read_at = totals, ticks()
        requests = totals.requests - before.requests
        return Vitals(
            load=round((totals.cpu_s - before.cpu_s) / seconds / len(self._memories), 3),
            error_rate=round((totals.errors - before.errors) / requests, 4) if requests > 0 else 0.0,
            requests_per_s=round(max(0.0, requests) / seconds, 1),
        )

    @property
    def workers(self) -> int:
        """How many workers the node has."""
        return len(self._memories)

    def each(self, key: str) -> list[float]:
        """Return a plain metric's number of every worker; 0 of one that has not begun to count."""
        return [unpack_from("d", memory, m.PLACE[key] * CELL)[0] for memory in self._memories]

    def total(self, key: str) -> float:
        """Return the sum of a plain metric over all workers."""
        return sum(self.each(key))

    def _sheets(self) -> list[memoryview]:
        opened = (open_sheet(memory, self._layout.size_bytes) for memory in self._memories)
        return [sheet for sheet in opened if sheet is not None]

    def _totals(self) -> Totals:
        buckets = len(m.OWN_SECONDS) + 1
        requests = errors = 0.0
        for sheet in self._sheets():
            counted = sum(unpack_from(f"{buckets}d", sheet, m.PLACE[m.GATEWAY_SECONDS] * CELL))
            requests += counted
            errors += self._errors(sheet) if counted else 0.0
        return Totals(self.total("cpu_seconds"), requests, errors)

    def _errors(self, sheet: memoryview) -> float:
        table, errors = self._layout.apis, 0.0
        for row in range(table.rows):
            if sheet[table.offset + row * table.row_bytes] != END[0]:
                numbers = unpack_from(f"{m.REQUEST_COLUMN}d", sheet, table.first_byte(row))
                errors += sum([numbers[at] for at in ERRORS])
        return errors
