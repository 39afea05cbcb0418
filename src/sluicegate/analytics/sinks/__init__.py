"""Where records go: `make_sinks` chooses by the settings.

| store | sink |
|---|---|
| Redis | `redis_list`: the lists that Tyk Pump empties (contract 05.4) |
| embedded | `record_file`: `sluicegate.analytics_file`, rotated by size |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sluicegate.analytics.sinks.record_file import RecordFile
from sluicegate.analytics.sinks.redis_list import RedisList

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings
    from sluicegate.store.backend import Backend


class Sink(Protocol):
    """Takes records, and writes them in its own time.

    takes_short: records may go without the blocks that are always empty (see `record`).
    """

    takes_short: bool

    def take(self, records: Sequence[bytes]) -> None:
        """Take a batch of records, each packed (see `record`); never waits, raises nothing."""

    async def run(self) -> None:
        """Write what was taken, until cancelled."""

    async def close(self) -> None:
        """Write what is left, as far as that goes within two seconds."""


def make_sinks(settings: Settings, backend: Backend, count: Callable[[str, float], None]) -> list[Sink]:
    """Return the sinks that the settings ask for.

    backend: the store that analytics records go to.
    count:   adds to the metrics `records_written` and `records_dropped`.
    """
    if not settings.enable_analytics:
        return []
    if backend.kind == "redis":
        return [RedisList(settings.analytics_config, backend, count)]
    return [RecordFile(Path(settings.sluicegate.analytics_file), count)]
