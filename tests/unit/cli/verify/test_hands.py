"""What the operator's commands get, and what becomes of those that fail."""

import os
import signal
from pathlib import Path

import msgspec
import pytest

from sluicegate.cli.verify.hands import BY_HAND_LIMIT_S, COMMANDED_LIMIT_S, Hands
from sluicegate.cli.verify.report import Failed, NotTested
from sluicegate.cluster.members import Report
from sluicegate.errors import ConfigError

NODE = msgspec.convert(
    {
        "id": "gate; 1",
        "address": "http://10.0.0.1:8080",
        "version": "",
        "state": "ready",
        "uptime_s": 0,
        "generation": 0,
        "digest": "",
        "lag_ms": 0,
        "last_reload": "",
        "store": {},
        "workers": 1,
        "load": 0,
        "error_rate": 0,
        "requests_per_s": 0,
        "memory_mb": 0,
        "streams": 0,
    },
    Report,
)


def test_commands_get_the_node(tmp_path: Path) -> None:
    command = f'echo "$NODE_ID|$NODE_HOST|$NODE_URL" >{tmp_path}/seen'
    assert Hands(stop_node=command, start_node="true").stop(NODE) == COMMANDED_LIMIT_S
    assert (tmp_path / "seen").read_text() == "gate; 1|10.0.0.1|http://10.0.0.1:8080\n"


def test_a_command_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(Failed, match="--fail-over ended with 3: no such master"):
        Hands(fail_over="echo asking; echo no such master >&2; exit 3").fail_redis_over()


def test_a_command_may_leave_something_running(tmp_path: Path) -> None:
    command = f"sleep 600 & echo $! >{tmp_path}/pid"
    assert Hands(stop_node="true", start_node=command).start(NODE) == COMMANDED_LIMIT_S
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_nothing_is_done_without_being_told(capsys) -> None:
    with pytest.raises(NotTested, match="--stop-node COMMAND, or --ask"):
        Hands().stop(NODE)
    assert Hands(asks=True).stop(NODE) == BY_HAND_LIMIT_S
    assert "Stop gate; 1 (http://10.0.0.1:8080)" in capsys.readouterr().err


def test_a_node_is_never_stopped_for_good() -> None:
    with pytest.raises(ConfigError, match="--start-node too"):
        Hands(stop_node="true")
    with pytest.raises(ConfigError, match="nothing stops a node"):
        Hands(start_node="true")
    Hands(stop_node="true", asks=True)
