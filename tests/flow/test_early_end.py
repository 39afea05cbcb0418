"""A node that is told to end while it starts: exit status 0, from the moment on that Python is at its first line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.gateway import START_PATIENCE_S, Gateway, api, until
from tests.processes import children, is_alive
from tests.wire import PATIENCE_S

from sluicegate import __version__


def takes(pid: int, number: int) -> bool:
    """Return whether a process does something of its own about a signal."""
    with open(f"/proc/{pid}/status") as status:
        caught = next(line.split()[1] for line in status if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def has_loaded(name: str) -> Callable[[Gateway, int], bool]:
    return lambda _, pid: name in Path(f"/proc/{pid}/maps").read_text()


MOMENTS: dict[str, Callable[[Gateway, int], bool]] = {
    "its first line": lambda _, pid: takes(pid, signal.SIGTERM),
    "settings are read": has_loaded("msgspec"),
    "parts are imported": has_loaded("cryptography"),
    "it says that it starts": lambda gateway, _: "message=Starting" in gateway.log,
    "there is a worker": lambda _, pid: bool(children(pid)),
    "there are all": lambda _, pid: len(children(pid)) == 2,
    "a worker has loaded": lambda gateway, _: "message=Loaded" in gateway.log,
}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", MOMENTS)
def test_it_ends_in_order(tmp_path: Path, moment: str, number: signal.Signals) -> None:
    gateway = Gateway(tmp_path, apis=[api("/a/")], conf={"pid_file_location": str(tmp_path / "pid")}, workers=2)
    line = [str(Path(sys.executable).with_name("sluicegate")), "start", "--conf", str(gateway.conf_file)]
    with gateway.log_file.open("ab") as log:
        process = subprocess.Popen(
            [*line, "--workers", "2"], stdout=log, stderr=log, env=gateway.environ, cwd=tmp_path, start_new_session=True
        )
    try:
        until(lambda: MOMENTS[moment](gateway, process.pid), moment, START_PATIENCE_S)
        workers = children(process.pid)
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0, gateway.log
        until(lambda: not any(map(is_alive, workers)), "its workers are gone")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert "Traceback" not in gateway.log
    assert not (tmp_path / "pid").exists()


def test_sighup_does_not_end_it_before_it_can_reload(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, apis=[api("/a/")])
    line = [str(Path(sys.executable).with_name("sluicegate")), "start", "--conf", str(gateway.conf_file)]
    with gateway.log_file.open("ab") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log, env=gateway.environ, cwd=tmp_path)
    gateway.process = process
    try:
        until(lambda: takes(process.pid, signal.SIGTERM), "its first line", START_PATIENCE_S)
        process.send_signal(signal.SIGHUP)
        until(gateway.is_ready, "it serves", START_PATIENCE_S)
        assert gateway.stop() == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_it_can_be_run_as_a_module(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "sluicegate", "--version"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{__version__}\n")
