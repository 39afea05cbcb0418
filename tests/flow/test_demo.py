"""`sluicegate demo` and `sluicegate verify`, as they are run by hand and by CI."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gateway import START_PATIENCE_S, until

SLUICEGATE = str(Path(sys.executable).with_name("sluicegate"))


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment in which all that is left behind would be seen."""
    yield {**os.environ, "TMPDIR": str(tmp_path)}
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []


def processes_in(folder: Path) -> list[str]:
    """Return the command lines that name the folder."""
    lines = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(place.read_text())
        except OSError:
            continue
    return [line for line in lines if str(folder) in line]


def run(*words: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SLUICEGATE, *words], capture_output=True, text=True, env=environ, stdin=subprocess.DEVNULL)


def test_no_request_fails_while_nodes_come_and_go(environ: dict[str, str]) -> None:
    done = run("demo", "--nodes", "2", "--script", "k,c,r", environ=environ)

    assert done.returncode == 0, done.stdout + done.stderr
    killed, changed, starts, summary = done.stdout.splitlines()
    assert killed.endswith("node-2 killed") and starts.endswith("node-2 starts")
    assert re.search(r"version 2 written in \d+ ms, on all nodes \d+ ms later", changed)
    assert re.search(r"\d{2,} requests, 0 failed", summary)


def test_no_request_fails_while_redis_hangs(environ: dict[str, str]) -> None:
    done = run("demo", "--nodes", "2", "--script", "p,p", environ=environ)

    assert done.returncode == 0, done.stdout + done.stderr
    hangs, goes_on, summary = done.stdout.splitlines()
    assert hangs.endswith("redis-server hangs") and goes_on.endswith("redis-server goes on")
    assert re.search(r"\d{2,} requests, 0 failed", summary)


def test_it_is_shown_live_and_ends_with_q(environ: dict[str, str]) -> None:
    here, there = pty.openpty()
    with subprocess.Popen([SLUICEGATE, "demo", "--nodes", "1"], stdin=there, stdout=there, env=environ) as process:
        os.close(there)
        seen = b""

        def shows(text: bytes) -> bool:
            nonlocal seen
            seen += os.read(here, 65536)
            return text in seen

        until(lambda: shows(b"q quit"), "the picture", START_PATIENCE_S)
        assert b"node-1" in seen and b"requests, 0 failed" in seen
        os.write(here, b"k")
        until(lambda: shows(b"the last node stays"), "the key was seen", START_PATIENCE_S)
        os.write(here, b"q")
        try:
            while os.read(here, 65536):
                pass
        except OSError:  # the other end is closed
            pass
        assert process.wait() == 0
        os.close(here)


def test_it_ends_on_a_signal_while_it_starts(environ: dict[str, str], tmp_path: Path) -> None:
    with subprocess.Popen([SLUICEGATE, "demo"], env=environ, stdin=subprocess.DEVNULL) as process:
        until(lambda: processes_in(tmp_path), "it has begun", START_PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 1


@pytest.mark.timeout(150)  # several fail-overs, one after the other
def test_all_checks_are_passed(environ: dict[str, str]) -> None:
    done = run("verify", "--nodes", "2", "--json", environ=environ)

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    names = [one["name"] for one in found["checks"]]
    assert names[:3] == ["stop a node", "kill a node", "change the configuration"]
    assert "lose the Redis master" in names
    assert found["passed"] and all(one["requests"] and not one["failed"] for one in found["checks"])
