"""One line when Redis goes, one when it returns."""

from __future__ import annotations

import pytest

from sluicegate.store.redis.outage import Outage, silent


def test_each_outage_is_told_once_however_many_servers_are_away() -> None:
    lines: list[tuple[str, str]] = []
    outage = Outage(lambda level, message, **fields: lines.append((level, message)), "cluster", "storage")
    outage.found("a")
    outage.found("b")
    assert lines == [("info", "Connected to Redis")]
    for _ in range(3):
        outage.lost("a", "why")
        outage.lost("b", "why")
    assert lines[1:] == [("error", "Redis is away")]
    outage.found("a")
    outage.found("a")
    assert len(lines) == 2
    outage.found("b")
    assert lines[2:] == [("info", "Redis is back")]


def test_whether_a_moment_belongs_to_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [10.0]
    monkeypatch.setattr("sluicegate.store.redis.outage.ticks", lambda: moment[0])
    outage = Outage(silent, "single", "storage")
    assert not outage.reaches(10.0)
    outage.lost("a", "why")
    assert outage.reaches(9.0) and outage.reaches(11.0)
    moment[0] = 20.0
    outage.found("a")
    assert outage.reaches(20.0) and not outage.reaches(20.1)


def test_a_store_that_is_away_at_the_start_is_said_to_be_back() -> None:
    lines: list[str] = []
    outage = Outage(lambda level, message, **fields: lines.append(message), "single", "storage")
    outage.lost("a", "why")
    outage.found("a")
    outage.found("a")
    assert lines == ["Redis is away", "Redis is back"]
