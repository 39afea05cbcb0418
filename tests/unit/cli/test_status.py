"""The table of `sluicegate status`."""

from __future__ import annotations

import click

from sluicegate.cli.status import duration, table
from sluicegate.cluster.members import LOST, READY, Report, StoreReport
from sluicegate.cluster.status import Status


def test_the_table() -> None:
    away, here = StoreReport("redis", error="away"), StoreReport("redis", "master", "single", True, 0.34)
    nodes = [
        Report("a", "http://a:1", "v1", READY, 90.0, 7, "0123456789", 12.0, "", here, 2, 0.5, 0.015, 99.6, 80.2, 3),
        Report("b", "http://b:1", "v1", LOST, 7200.0, 6, "abc", 0.0, "", away, 2, 0.0, 0.0, 0.0, 1.0, 0, ["api/x: no"]),
    ]
    text = click.unstyle(table(Status(False, 7, "noon", ["b"], nodes, "gone")))
    assert text.startswith("not converged, generation 7 since noon\n")
    head, first, second, *rest = text.splitlines()[2:]
    assert words(head) == "NODE STATE ADDRESS GEN DIGEST LAG STORE LOAD REQ/S 5XX MB STREAMS UP"
    assert words(first) == "a ready http://a:1 7 01234567 12 ms 0.3 ms 50% 100 1.5% 80 3 2 min"
    assert words(second) == "b lost http://b:1 6 abc 0 ms away 0% 0 0.0% 1 0 2 h"
    assert rest == ["b serves something else", "b: api/x: no", "as last known: gone"]


def words(line: str) -> str:
    return " ".join(line.split())


def test_durations() -> None:
    assert [duration(seconds) for seconds in (5, 61, 7200, 200_000)] == ["5 s", "1 min", "2 h", "2 d"]
