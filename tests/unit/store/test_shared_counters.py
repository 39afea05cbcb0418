"""Counters that processes share: exact, and there after any of them was killed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable

import pytest

from sluicegate.errors import StoreError
from sluicegate.store import shared_counters
from sluicegate.store.shared_counters import SESSIONS_WORD, SharedCounters

HOUR_S = 3600.0

HAMMER = """
import sys
from pathlib import Path
from sluicegate.store.shared_counters import SharedCounters
counters = SharedCounters(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
names = sys.argv[3:]
admitted = [0] * len(names)
for _ in range(int(sys.argv[2])):
    for at, name in enumerate(names):
        admitted[at] += counters.count(name, 3600.0, 1000)[0] < 1000
print(*admitted, flush=True)
"""


def hammer(path, times: int, *names: str) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-c", HAMMER, path, str(times), *names]
    return subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def in_a_child(work: Callable[[], object]) -> int:
    """Run something in a fork of this process and return how it ended."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(pid, 0)[1]


def test_processes_admit_exactly_the_limit_together(tmp_path):
    path = tmp_path / "counters"
    names = ["a", "b", "c"]
    processes = [hammer(path, 700, *names) for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    admitted = [[int(word) for word in process.communicate()[0].split()] for process in processes]
    assert [sum(column) for column in zip(*admitted, strict=True)] == [1000, 1000, 1000]
    assert SharedCounters(path).peek("a")[0] == 1000


def test_counters_survive_kill_9_and_so_do_the_locks(tmp_path):
    path = tmp_path / "counters"
    counters = SharedCounters(path)
    for _ in range(20):
        process = hammer(path, 1_000_000, "a")
        assert process.stdout.readline() == b"ready\n"
        before = counters.peek("a")[0]
        process.stdin.write(b"go\n")
        process.stdin.flush()
        while counters.peek("a")[0] == before < 1000:
            pass
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    kept = counters.peek("a")
    counters.close()
    assert kept[0] == 1000 == SharedCounters(path).peek("a")[0]


def test_a_lock_whose_holder_was_killed_goes_on(tmp_path):
    path = tmp_path / "counters"
    counters = SharedCounters(path)
    counters.count("a", HOUR_S, 10)

    def die_in_the_middle() -> None:
        with counters._locks.all():
            os.kill(os.getpid(), signal.SIGKILL)

    assert os.WTERMSIG(in_a_child(die_in_the_middle)) == signal.SIGKILL
    assert counters.count("a", HOUR_S, 10)[0] == 1
    counters.stamp_sessions()
    with counters._locks.all():
        pass


def test_locks_that_a_power_cut_left_taken_are_made_anew(tmp_path):
    path = tmp_path / "counters"
    counters = SharedCounters(path)
    counters.count("a", HOUR_S, 10)
    counters.close()
    with open(path, "r+b") as file:
        file.seek(shared_counters.LOCKS_AT)
        file.write(b"\x01" * 64 * shared_counters.LOCKS)
    assert SharedCounters(path).count("a", HOUR_S, 10)[0] == 1


def test_a_window_begins_with_the_first_count_and_ends(monkeypatch):
    moment = 1000.0
    monkeypatch.setattr(shared_counters, "now", lambda: moment)
    counters = SharedCounters(None)
    assert [counters.count("a", 10, 2) for _ in range(4)] == [(0, 1010), (1, 1010), (2, 1010), (2, 1010)]
    moment = 1009.9
    assert counters.count("a", 10, 2) == (2, 1010)
    assert counters.peek("a") == (2, 1010)
    moment = 1010.0
    assert counters.peek("a") == (0, 0)
    assert counters.count("a", 10, 2) == (0, 1020)
    counters.forget("a")
    assert counters.count("a", float("inf"), 2) == (0, float("inf"))
    counters.forget("never counted")


def test_two_are_counted_at_once_as_they_are_one_by_one(monkeypatch):
    moment = [1000.0]
    monkeypatch.setattr(shared_counters, "now", lambda: moment[0])
    counters = SharedCounters(None)
    assert counters.count_both("rate", 2, "quota") is None  # no window is open
    counters.count("rate", 10.0, 2)
    assert counters.count_both("rate", 2, "quota") is None
    counters.count("quota", 60.0, 5)
    assert counters.peek("quota")[0] == counters.peek("rate")[0] == 1  # what said None has counted nothing
    assert counters.count_both("rate", 2, "quota") == (1, 1, 1060)
    assert counters.count_both("rate", 2, "quota") == (2, -1, 1060)  # the first is full: the second stays
    assert counters.peek("quota")[0] == counters.peek("rate")[0] == 2
    moment[0] = 1010.0
    assert counters.count_both("rate", 2, "quota") is None
    assert counters.count("rate", 10.0, 2) == (0, 1020.0)
    counters.share()
    assert counters.count_both("rate", 2, "quota") is None  # others may count meanwhile
    assert counters.count("quota", 60.0, 5) == (2, 1060.0)


def test_the_table_grows_under_the_feet_of_another(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_counters, "TABLE_SLOTS", (1 << 12, 1 << 14, 1 << 16))
    one, other = SharedCounters(tmp_path / "counters"), SharedCounters(tmp_path / "counters")
    for number in range(9000):
        assert one.count(f"n{number}", HOUR_S, 10)[0] == 0
    assert one._level > 0
    assert other._level == 0
    assert all(other.count(f"n{number}", HOUR_S, 10)[0] == 1 for number in range(9000))
    assert all(one.peek(f"n{number}")[0] == 2 for number in range(9000))
    one.close()
    other.close()
    assert SharedCounters(tmp_path / "counters").peek("n0")[0] == 2


def test_growing_that_somebody_died_over_is_done_again(monkeypatch):
    monkeypatch.setattr(shared_counters, "TABLE_SLOTS", (1 << 12, 1 << 14))
    counters = SharedCounters(None)
    counters.count("a", HOUR_S, 10)
    words = counters._words
    first = shared_counters._table_start(1)
    words[shared_counters.GROWING_WORD] = 1
    for at in range(first, first + 4 * (1 << 14)):
        words[at] = 7
    with counters._locks.all():
        assert counters._grow()
    assert counters.count("a", HOUR_S, 10)[0] == 1
    assert counters.peek("b") == (0, 0.0)


def test_expired_counters_make_room_without_growing(monkeypatch):
    moment = 1000.0
    monkeypatch.setattr(shared_counters, "now", lambda: moment)
    monkeypatch.setattr(shared_counters, "TABLE_SLOTS", (1 << 12, 1 << 14))
    counters = SharedCounters(None)
    for number in range(40_000):
        moment += 1
        assert counters.count(f"n{number}", 500, 10)[0] == 0
    assert counters._level == 0


def test_a_table_that_cannot_grow_gives_up_what_ends_first(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_counters, "TABLE_SLOTS", (1 << 12, 1 << 14))
    monkeypatch.setattr(shared_counters, "_reserve", lambda fd, level: False)
    counters = SharedCounters(tmp_path / "counters")
    counters.count("lasting", 10 * HOUR_S, 10)
    for number in range(9000):
        assert counters.count(f"n{number}", HOUR_S + number, 10)[0] == 0
    assert counters.count("lasting", HOUR_S, 10)[0] == 1
    assert counters.count("n8999", HOUR_S, 10)[0] == 1


def test_a_stamp_is_seen_by_all(tmp_path):
    one, other = SharedCounters(tmp_path / "counters"), SharedCounters(tmp_path / "counters")
    before = other.stamps[SESSIONS_WORD]
    one.stamp_sessions()
    assert other.stamps[SESSIONS_WORD] == before + 1
    inherited = SharedCounters(None)
    in_a_child(inherited.stamp_sessions)
    assert inherited.stamps[SESSIONS_WORD] == 1


def test_names_may_hold_any_bytes():
    counters = SharedCounters(None)
    assert counters.count("quota-\udcff", HOUR_S, 10)[0] == 0
    assert counters.peek("quota-\udcff")[0] == 1


def test_a_file_takes_no_more_room_than_it_needs_and_is_private(tmp_path):
    SharedCounters(tmp_path / "counters")
    status = (tmp_path / "counters").stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_blocks * 512 < 3_000_000


def test_what_is_no_file_of_counters_is_left_alone(tmp_path):
    path = tmp_path / "counters"
    path.write_text("something of somebody else's, which has to stay")
    with pytest.raises(StoreError, match="counters: not a file of counters; move it away"):
        SharedCounters(path)
    assert path.read_text().startswith("something")
    with pytest.raises(StoreError, match="No such file"):
        SharedCounters(tmp_path / "none" / "counters")
