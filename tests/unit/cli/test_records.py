"""`sluicegate records` says what it cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sluicegate.cli.records import records


def test_no_record_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conf = tmp_path / "tyk.conf"
    conf.write_text("{}")
    assert records(conf) == 1
    assert str(tmp_path / "sluicegate.records") in capsys.readouterr().err


def test_records_that_are_in_redis_are_not_looked_for_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = tmp_path / "tyk.conf"
    conf.write_text('{"storage": {"type": "redis"}}')
    assert records(conf) == 1
    assert capsys.readouterr().err == "The records of this node are in Redis, for Tyk Pump to fetch.\n"
