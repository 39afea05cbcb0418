"""From the road to where records and lines go."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.exchange import make_api, settings_of
from tests.unit.analytics.exchanges import TOOK_S, over, refused

from sluicegate.analytics.finish import make_finish
from sluicegate.analytics.line_writer import LineWriter
from sluicegate.analytics.metrics import Layout, Metrics
from sluicegate.analytics.recorder import Recorder, make_recorder
from sluicegate.analytics.sinks import make_sinks
from sluicegate.analytics.sinks.record_file import RecordFile, read_records
from sluicegate.store.memory import MemoryBackend

LOGGING = {"access_logs": {"enabled": True}, "enable_analytics": True}


class Kept:
    """A sink that keeps what it takes."""

    takes_short = False

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.taken = asyncio.Event()

    def take(self, records: Sequence[bytes]) -> None:
        self.records += [msgspec.msgpack.decode(record) for record in records]
        self.taken.set()

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        pass


class Counts(Counter[str]):
    def add(self, key: str, by: float) -> None:
        self[key] += int(by)


async def test_records_and_lines_of_what_was_finished() -> None:
    sink, written, counts = Kept(), [], Counts()
    recorder = Recorder(settings_of(LOGGING), [sink], counts.add, written.append)
    finish = make_finish(recorder, Metrics(Layout(10)), print)
    running = asyncio.create_task(recorder.run())
    for exchange in (over(), refused(), over(tracked=False)):
        finish(exchange)
    await sink.taken.wait()
    running.cancel()
    await recorder.close()
    assert [record["ResponseCode"] for record in sink.records] == [200, 401]
    assert b"".join(written).count(b"\n") == 3
    assert not counts


async def test_a_defect_in_recording_is_logged_and_goes_no_further() -> None:
    said = []
    recorder = Recorder(settings_of(LOGGING), [Kept()], Counts().add, lambda lines: None)
    finish = make_finish(recorder, Metrics(Layout(10)), lambda level, message, **fields: said.append((level, message)))
    finish(over(started_ticks=None))
    assert said == [("error", "Failed to record a request")]


async def test_close_writes_what_is_left() -> None:
    sink = Kept()
    recorder = Recorder(settings_of(LOGGING), [sink], Counts().add, lambda lines: None)
    for _ in range(250):
        recorder.record(over(), *TOOK_S)
    await recorder.close()
    assert len(sink.records) == 250


async def test_no_more_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluicegate.analytics.recorder.ROOM", 3)
    sink, counts = Kept(), Counts()
    recorder = Recorder(settings_of(), [sink], counts.add)
    for _ in range(5):
        recorder.record(over(), *TOOK_S)
    running = asyncio.create_task(recorder.run())
    await sink.taken.wait()
    running.cancel()
    await recorder.close()
    assert (len(sink.records), counts["records_dropped"]) == (3, 2)


async def test_one_that_cannot_be_recorded_stops_no_other() -> None:
    sink, counts = Kept(), Counts()
    recorder = Recorder(settings_of(), [sink], counts.add)
    recorder.record(over(started_s=None), *TOOK_S)
    recorder.record(over(), *TOOK_S)
    await recorder.close()
    assert (len(sink.records), counts["records_dropped"]) == (1, 1)


async def test_requests_to_no_api_leave_no_record() -> None:
    sink, written = Kept(), []
    recorder = Recorder(settings_of({"track_404_logs": True}), [sink], Counts().add, written.append)
    nobody = over(api={"api_id": ""})
    assert nobody.route.api_id == make_api(api_id="").api_id
    recorder.record(nobody, *TOOK_S)
    await recorder.close()
    assert not sink.records and not b"".join(written)


async def test_nothing_is_captured_that_nobody_asked_for() -> None:
    backend = MemoryBackend()
    recorder = make_recorder(settings_of(), backend, Counts().add)
    assert not recorder.is_needed
    assert make_sinks(settings_of(), backend, Counts().add) == []
    await recorder.close()
    await backend.close()


async def test_a_file_of_records_is_rotated(tmp_path: Path) -> None:
    path, counts = tmp_path / "node.records", Counts()
    backend = MemoryBackend()
    settings = settings_of({"enable_analytics": True, "sluicegate": {"analytics_file": str(path)}})
    (sink,) = make_sinks(settings, backend, counts.add)
    recorder = Recorder(settings, [sink], counts.add)
    recorder.record(over(), *TOOK_S)
    await recorder.close()
    (record,) = read_records(path)
    assert (record["Path"], record["TimeStamp"][:4], "Geo" in record) == ("/get", "2026", False)
    assert counts["records_written"] == 1
    small, other = RecordFile(path, counts.add, rotate_bytes=100), RecordFile(path, counts.add, rotate_bytes=10**6)
    for one in (other, small, other):
        recorder = Recorder(settings, [one], counts.add)
        recorder.record(over(), *TOOK_S)
        recorder._work_off_slice()
    await other.close()
    await small.close()
    assert (len(list(read_records(path))), counts["records_written"]) == (4, 4)
    path.write_bytes(path.read_bytes()[:-1])  # as a crash in the middle of a write leaves it
    assert len(list(read_records(path))) == 3
    await backend.close()


@pytest.mark.parametrize("missing", [1, 4, 5, 150, -1, -4])
async def test_a_record_that_was_cut_off_takes_no_other_with_it(tmp_path: Path, missing: int) -> None:
    path = tmp_path / "node.records"
    for number in range(3):
        sink = RecordFile(path, Counts().add)
        recorder = Recorder(settings_of(), [sink], Counts().add)
        recorder.record(over(status=200 + number), *TOOK_S)
        await recorder.close()
        whole = path.stat().st_size
        recorder = Recorder(settings_of(), [RecordFile(path, Counts().add)], Counts().add)
        recorder.record(over(status=300 + number), *TOOK_S)
        await recorder.close()
        content = path.read_bytes()  # and now as a full disk, or the death of a worker, leaves it
        path.write_bytes(content[:-missing] if missing > 0 else content[: whole - missing])
    assert [record["ResponseCode"] for record in read_records(path)] == [200, 201, 202]


async def test_a_file_that_cannot_be_written_is_counted(tmp_path: Path) -> None:
    counts = Counts()
    sink = RecordFile(tmp_path / "no" / "such" / "folder", counts.add)
    recorder = Recorder(settings_of(), [sink], counts.add)
    recorder.record(over(), *TOOK_S)
    await recorder.close()
    assert (counts["records_written"], counts["records_dropped"]) == (0, 1)


async def test_a_reader_that_stalls_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluicegate.analytics.line_writer.ROOM_BYTES", 10)
    goes_on, written, lost = threading.Event(), [], []

    def stalling(lines: bytes) -> None:
        goes_on.wait(10)
        written.append(lines)

    writer = LineWriter(stalling, lost.append)
    for lines in (b"12345", b"67890", b"x"):
        writer.put(lines)
    goes_on.set()
    await writer.close()
    assert (written, lost) == ([b"12345", b"67890"], [b"x"])
