"""A short run of the soak: everything that can go wrong does, once or twice, and nothing comes of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EVERYWHERE = ("killed", "paused", "clock leapt")
OF_ONE_REDIS = ("store paused", "store's clock leapt")
BY_NETWORK = ("cut off", "store cut off")


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("store", "writes", "kinds"),
    [
        ("sqlite", 100, EVERYWHERE),
        ("redis", 300, EVERYWHERE + OF_ONE_REDIS),
        ("sentinel", 300, (*EVERYWHERE, "store's clock leapt", "master ")),
    ],
)
def test_nothing_is_lost_torn_reordered_taken_twice_or_told_untruly(
    store: str, writes: int, kinds: tuple[str, ...]
) -> None:
    line = [sys.executable, "-m", "tests.soak", "--store", store, "--writes", str(writes)]
    done = subprocess.run(line, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "none lost, torn, reordered, taken twice or told untruly" in done.stdout
    (faults,) = [text for text in done.stdout.splitlines() if text.startswith("faults in ")]
    assert not [kind for kind in kinds if kind not in faults], done.stdout
    (obstacle,) = [text for text in done.stdout.splitlines() if text.startswith("Nobody is cut off")] or [""]
    if obstacle and store != "sqlite":
        pytest.skip(f"all but partitions was tried. {obstacle}")
    wanted = {"sqlite": (), "redis": BY_NETWORK, "sentinel": BY_NETWORK[:1]}[store]
    assert not [kind for kind in wanted if kind not in faults], done.stdout
