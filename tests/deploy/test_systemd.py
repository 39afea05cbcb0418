"""deploy/systemd: systemd itself takes the unit, and finds it well locked up."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sluicegate.settings.model import Settings

UNIT = Path(__file__).parents[2] / "deploy/systemd/sluicegate.service"
PROGRAM = "/opt/sluicegate/bin/sluicegate"
MOST_EXPOSED = 2.0
"""Of 10; systemd calls less than 4.5 OK."""

with_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True)


@with_systemd
def test_systemd_takes_it(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    here = Path(sys.executable).with_name("sluicegate")
    unit.write_text(UNIT.read_text().replace(PROGRAM, str(here)))
    done = analyze("verify", "--man=no", str(unit))
    assert not [line for line in (done.stdout + done.stderr).splitlines() if UNIT.name in line]
    assert done.returncode == 0


@with_systemd
def test_it_is_locked_up() -> None:
    said = analyze("security", "--offline=true", "--no-pager", str(UNIT)).stdout
    found = re.search(r"exposure level for \S+ ([\d.]+)", said)
    assert found is not None, said
    assert float(found[1]) <= MOST_EXPOSED


def test_it_is_reloaded_and_stopped_as_the_gateway_wants() -> None:
    lines = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if re.match(r"[A-Z]\w+=", line))
    assert lines["Type"] == "exec"
    assert lines["ExecStart"] == f"{PROGRAM} start --conf /etc/tyk/tyk.conf"
    assert lines["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert lines["KillMode"] == "mixed"
    assert int(lines["TimeoutStopSec"]) > Settings().graceful_shutdown_timeout_duration + 5
