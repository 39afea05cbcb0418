"""How files beside a store are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sluicegate.settings.beside import beside


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("/var/sluicegate.db", "/var/sluicegate.records"),
        ("/var/of.one.snapshot", "/var/of.one.records"),
        ("/var/gw.1", "/var/gw.1.records"),
        ("/var/gw", "/var/gw.records"),
        ("/var/.db", "/var/.db.records"),
    ],
)
def test_another_ending_of_the_same_name(file: str, expected: str) -> None:
    assert beside(Path(file), ".records") == Path(expected)
