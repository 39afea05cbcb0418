"""What a newcomer does first: `make run`, each of the lines that it prints, and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "examples/quickstart/run.py"


@pytest.fixture
def quick_start(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TYK_")}
    # Ctrl-C has its effect even if whoever runs the tests does without, as what a script starts by "&" does.
    command = ["env", "--default-signal=INT", sys.executable, str(RUN), "--folder", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        yield process
        process.terminate()


def lines_to_copy(process: subprocess.Popen[str]) -> list[str]:
    """Return the commands that are printed, when all of them are."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        if line.startswith("  "):
            lines.append(line.strip())
        if "Ctrl-C" in line:
            return lines
    raise AssertionError("it ended before it had said what to try")


def shell(line: str) -> str:
    """Run a command as a user would, and return what it prints."""
    return subprocess.run(["bash", "-c", line], capture_output=True, check=True, text=True).stdout


def test_each_line_shows_what_it_says(quick_start: subprocess.Popen[str]) -> None:
    open_to_all, no_key, with_key, limit, balance, admin_api, metrics = lines_to_copy(quick_start)

    answer = shell(open_to_all)
    assert answer.startswith("HTTP/1.1 200 ")
    assert '"path": "/hello"' in answer

    assert shell(no_key).startswith("HTTP/1.1 401 ")
    assert shell(with_key).startswith("HTTP/1.1 200 ")
    assert shell(limit).split() == ["200"] * 4 + ["429"] * 3

    targets = [json.loads(line)["answered_by"] for line in shell(balance).splitlines()]
    assert len(targets) == 6
    assert len(set(targets)) == 3

    assert {api["api_id"] for api in json.loads(shell(admin_api))} == {"open", "keyed", "balanced"}
    assert "# TYPE sluicegate_" in shell(metrics)

    found = re.search(r"127\.0\.0\.1:(\d+)", open_to_all)
    assert found is not None
    quick_start.send_signal(signal.SIGINT)
    said, _ = quick_start.communicate()
    assert said.endswith("\nStopped.\n")
    assert quick_start.returncode == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(found[1]))) != 0
