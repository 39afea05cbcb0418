"""The recorder: takes captures on the road, and makes records and log lines of them off it.

Captures wait in a list. A task empties it in slices short enough not to be noticed by requests that come meanwhile, and
hands what it made to the sinks and to the access log, which write in their own time. The list is emptied whether or not
they get on, and takes no more than there is room for: what does not fit is lost and counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from sluicegate import log
from sluicegate.analytics.access_log import AccessLog
from sluicegate.analytics.capture import Capture, Reader, capture
from sluicegate.analytics.line_writer import LineWriter
from sluicegate.analytics.mould import CAST_VALUES, Cast
from sluicegate.analytics.record import RecordBuilder
from sluicegate.analytics.sinks import Sink, make_sinks
from sluicegate.clock import ticks

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange
    from sluicegate.settings.model import Settings
    from sluicegate.store.backend import Backend

ROOM: Final = 20_000
SLICE: Final = 100
BUSY_S: Final = 0.02
IDLE_S: Final = 0.2
FORGET_S: Final = 30.0


class Recorder:
    """Remembers exchanges of one worker. The assembly runs `run` as a task, and awaits `close` at the end."""

    def __init__(
        self,
        settings: Settings,
        sinks: Sequence[Sink],
        count: Callable[[str, float], None],
        write: Callable[[bytes], None] = log.write,
    ) -> None:
        """Prepare what the settings ask for. Raises ConfigError.

        count: adds to the metrics of lost records and lines.
        write: writes finished log lines; it may block.
        """
        self._sinks, self._count = sinks, count
        self._reader = Reader(settings.http_server_options.xff_depth)
        self._access_log = AccessLog(settings, self._reader)
        self._builder = RecordBuilder(
            settings,
            self._reader,
            short=all(sink.takes_short for sink in sinks),
            keeps_moulds=not self._access_log.is_on,  # whose lines say more than records do
        )
        self._pending: list[Capture | Cast] = []
        self._lost = 0
        logs = self._access_log.is_on or self._access_log.logs_missing_routes
        self._lines = LineWriter(write, self._lose_lines) if logs else None
        self.is_needed = bool(sinks) or logs
        self._last_trouble_ticks = 0.0

    def adopt(self, settings: Settings) -> None:
        """Find clients as the settings say that are in force now."""
        self._reader.xff_depth = settings.http_server_options.xff_depth

    def record(self, exchange: Exchange, total_s: float, upstream_s: float) -> None:
        """Remember an exchange whose answer has left: how long it took in all, and for the upstream to answer."""
        pending = self._pending
        if len(pending) >= ROOM:
            self._lost += 1
            return
        mould = exchange.request.mould
        if mould is not None and mould.fits(exchange):
            pending.append((mould, exchange.status, exchange.started_s, total_s, upstream_s))
        else:
            pending.append(capture(exchange, total_s, upstream_s))

    async def run(self) -> None:
        """Work off what was remembered, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for sink in self._sinks:
                tasks.create_task(sink.run())
            await self._work()

    async def close(self) -> None:
        """Work off all that is left, and write it as far as that goes within two seconds."""
        while self._pending:
            self._work_off_slice()
        self._report_lost()
        for sink in self._sinks:
            await sink.close()
        if self._lines is not None:
            await self._lines.close()

    async def _work(self) -> None:
        pause_s, forget_at = BUSY_S, ticks() + FORGET_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = BUSY_S if self._pending else min(pause_s * 2, IDLE_S)
            while self._pending:
                self._work_off_slice()
                await asyncio.sleep(0)
            self._report_lost()
            if ticks() >= forget_at:
                forget_at = ticks() + FORGET_S
                self._reader.forget()
                self._builder.forget()

    def _work_off_slice(self) -> None:
        records: list[bytes] = []
        lines: list[bytes] = []
        captures = self._pending[:SLICE]
        del self._pending[:SLICE]
        cast = self._builder.cast
        for captured in captures:
            try:
                if len(captured) == CAST_VALUES:
                    records.append(cast(captured))
                else:
                    self._work_off(captured, records, lines)
            except Exception as error:  # a defect of ours, about one request: the others are recorded
                self._count("records_dropped", 1)
                self._trouble("A request could not be recorded", error=repr(error))
        if records:
            for sink in self._sinks:
                sink.take(records)
        if lines and self._lines is not None:
            self._lines.put(b"".join(lines))

    def _work_off(self, captured: Capture, records: list[bytes], lines: list[bytes]) -> None:
        if captured[0].api_id:
            if self._access_log.is_on:
                lines.append(self._access_log.line(captured))
            if self._sinks:
                record = self._builder.build(captured)
                if record is not None:
                    records.append(record)
        elif self._access_log.logs_missing_routes:
            lines.append(self._access_log.missing_route_line(captured))

    def _report_lost(self) -> None:
        lost, self._lost = self._lost, 0
        if lost:
            self._count("records_dropped", lost)
            self._trouble("Requests were not recorded: more came than could be worked off", number=lost)

    def _lose_lines(self, lines: bytes) -> None:
        self._count("log_bytes_dropped", len(lines))

    def _trouble(self, message: str, **fields: object) -> None:
        """Log what went wrong, once in a while."""
        now = ticks()
        if now - self._last_trouble_ticks > FORGET_S or not self._last_trouble_ticks:
            self._last_trouble_ticks = now
            log.get(prefix="analytics").error(message, **fields)


def make_recorder(settings: Settings, backend: Backend, count: Callable[[str, float], None]) -> Recorder:
    """Return the recorder that the settings ask for. Raises ConfigError.

    backend: the store that analytics records go to.
    count:   `Metrics.count`.
    """
    return Recorder(settings, make_sinks(settings, backend, count), count)
