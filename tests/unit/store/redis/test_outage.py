"""One line when Redis goes, one when it returns."""

from __future__ import annotations

from sluicegate.store.redis.outage import Outage


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


def test_a_store_that_is_away_at_the_start_is_said_to_be_back() -> None:
    lines: list[str] = []
    outage = Outage(lambda level, message, **fields: lines.append(message), "single", "storage")
    outage.lost("a", "why")
    outage.found("a")
    outage.found("a")
    assert lines == ["Redis is away", "Redis is back"]
