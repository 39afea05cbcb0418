"""What the workers of a node know together: never less than the store said last, whoever heard it, whoever dies."""

from __future__ import annotations

import os
import signal

import pytest

from sluicegate.store.limiters import tally as module
from sluicegate.store.limiters.tally import COUNTED, Tally

NAME = "sluice-limit-{rate-limit-k1}"
WINDOW_MS = 60_000


class Moment:
    """A clock that stands where it was put."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def moment(monkeypatch):
    made = Moment()
    monkeypatch.setattr(module, "ticks", made)
    return made


@pytest.fixture
def tally(moment):
    return Tally()


def admitted(tally: Tally, times: int, limit: int = 40, nodes: int = 1, name: str = NAME) -> int:
    """Ask so often without the store; return how many were admitted."""
    return sum(tally.admit(name, limit, WINDOW_MS, nodes)[0] for _ in range(times))


def in_children(number: int, work) -> list[int]:
    """Run something in so many forks of this process at once; return what each of them returns, a byte at most."""
    pids = []
    for _ in range(number):
        pid = os.fork()
        if pid == 0:
            os._exit(work())
        pids.append(pid)
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def test_what_is_left_is_reckoned_from_the_most_that_anybody_was_told(tally, moment):
    moment.now = 1001
    tally.hear(NAME, 1000.2, 23, 50_000)
    tally.hear(NAME, 1000.1, 21, 50_000)  # by another worker, at the same time
    assert admitted(tally, 60) == 17


def test_an_answer_to_a_question_that_was_asked_later_takes_the_place_of_what_was_heard(tally, moment):
    tally.hear(NAME, 999.9, 30, 50_000)
    moment.now = 1002
    tally.hear(NAME, 1001, 12, 48_000)  # a lease has gone back
    assert admitted(tally, 60) == 28


def test_an_answer_of_another_window_counts_when_it_was_asked_for_later(tally, moment):
    tally.hear(NAME, 999, 40, 50_000)
    moment.now = 1002
    tally.hear(NAME, 1001, 1, 5_000)  # the counter began anew, and its window is shorter
    assert tally.admit(NAME, 40, 5_000, 1) == (True, 38, 5.0)


def test_of_windows_that_were_told_at_the_same_time_the_larger_count_and_the_later_end_count(tally, moment):
    tally.hear(NAME, 999, 40, 100)
    moment.now = 1000.05
    tally.hear(NAME, 999.9, 1, 60_000)
    assert tally.admit(NAME, 40, WINDOW_MS, 1) == (False, 0, 60.0)
    moment.now = 1000.2
    tally.hear(NAME, 1000.1, 2, 59_000)
    assert admitted(tally, 60) == 38


def test_a_window_of_which_nothing_was_heard_is_free_and_ends(tally, moment):
    assert tally.admit(NAME, 40, WINDOW_MS, 1) == (True, 39, 60.0)
    assert admitted(tally, 60) == 39
    moment.now = 1060
    assert tally.owed(NAME).untold == 0, "it was owed in a window that has ended"
    assert admitted(tally, 60) == 40


def test_a_window_that_was_heard_of_ends(tally, moment):
    tally.hear(NAME, 999, 40, 3000)
    assert admitted(tally, 4) == 0
    moment.now = 1003
    assert admitted(tally, 60) == 40


def test_a_window_may_never_end(tally, moment):
    tally.hear(NAME, 999, 39, -1)
    moment.now = 1e9
    assert tally.admit(NAME, 40, 0, 1) == (True, 0, float("inf"))
    assert tally.admit("quota-k1", 5, 0, 1) == (True, 4, float("inf"))


def test_nodes_share_what_is_left_and_each_has_one_at_least(tally):
    tally.hear(NAME, 999, 20, 50_000)
    assert admitted(tally, 60, nodes=3) == 6
    tally.hear("quota-k1", 999, 39, 50_000)
    assert admitted(tally, 60, nodes=3, name="quota-k1") == 1


def test_what_was_admitted_is_owed_until_the_store_was_told(tally, moment):
    tally.hear(NAME, 999, 20, 50_000)
    assert admitted(tally, 7) == 7
    owed = tally.owed(NAME)
    assert owed.untold == 7
    assert admitted(tally, 2) == 2  # while the question is under way
    moment.now = 1001
    tally.hear(NAME, 1000.5, 28, 49_000, owed)
    assert tally.owed(NAME) == (owed.account, 9, 7)
    assert admitted(tally, 60) == 40 - 28 - 2, "what the store does not know of stays among those used"


def test_an_answer_that_crossed_with_admissions_says_that_more_are_used_than_the_store_knows(tally, moment):
    tally.hear(NAME, 999, 30, 50_000)
    assert admitted(tally, 60) == 10
    moment.now = 1001
    assert tally.hear(NAME, 999.5, 31, 49_000) == 41


def test_what_two_tell_at_once_is_told(tally, moment):
    assert admitted(tally, 7) == 7
    early = tally.owed(NAME)
    assert admitted(tally, 2) == 2
    late = tally.owed(NAME)
    moment.now = 1001
    for owed, counted in ((late, 10), (early, 8)):
        tally.hear(NAME, 1000.5, counted, 49_000, owed)
        assert tally.owed(NAME).untold == 0
    assert admitted(tally, 60) == 30


def test_what_was_told_of_a_window_that_has_ended_is_not_told_of_the_next(tally, moment):
    assert admitted(tally, 7) == 7
    owed = tally.owed(NAME)
    moment.now = 1060
    assert admitted(tally, 9) == 9
    moment.now = 1061
    tally.hear(NAME, 1060.5, 8, 49_000, owed)
    assert tally.owed(NAME).untold == 9


def test_a_counter_that_begins_anew_is_free_and_owes_nothing(tally):
    tally.hear(NAME, 999, 40, 50_000)
    admitted(tally, 3, limit=50)
    tally.forget(NAME)
    assert tally.owed(NAME).untold == 0
    assert admitted(tally, 60) == 40


def test_processes_together_admit_what_is_left():
    tally = Tally()
    tally.hear(NAME, 0.0, 60, 50_000)
    admissions = in_children(4, lambda: admitted(tally, 150, limit=200))
    assert sum(admissions) == 140
    assert tally.owed(NAME).untold == 140


def test_what_is_told_while_others_admit_is_counted_once():
    tally, counted = Tally(), 0
    tally.hear(NAME, 0.0, 0, 600_000)
    child = os.fork()
    if child == 0:
        os._exit(admitted(tally, 20_000, limit=200))
    while counted < 200:
        asked, owed = module.ticks(), tally.owed(NAME)
        counted += owed.untold
        tally.hear(NAME, asked, counted, 600_000, owed)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == counted == 200


def test_who_dies_while_writing_leaves_a_lock_that_can_be_taken_and_a_slot_that_is_right():
    tally = Tally()
    tally.hear(NAME, 0.0, 30, 600_000)

    def die() -> int:
        tally._words[tally._take(NAME) + COUNTED] = 35
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    assert in_children(1, die) == [-signal.SIGKILL]
    assert admitted(tally, 60) == 5


def test_a_full_block_gives_up_what_has_ended_then_what_was_heard_of_longest_ago_and_owes_nothing(
    tally, moment, monkeypatch
):
    monkeypatch.setattr(module, "BLOCKS", 1)
    for number in range(16):
        moment.now += 1
        tally.hear(f"n{number}", moment.now, 40, 1_000 if number == 9 else 900_000)
    tally.admit("n0", 41, 900_000, 1)
    moment.now += 1

    def known(number: int) -> bool:
        return not tally.admit(f"n{number}", 40, 900_000, 1)[0]

    tally.hear("new", moment.now, 40, 900_000)
    assert all(known(number) for number in range(16) if number != 9)
    tally.hear("newer", moment.now, 40, 900_000)
    assert all(known(number) for number in range(16) if number not in (1, 9))
    assert tally.owed("n0").untold == 1


def test_names_may_hold_any_bytes(tally):
    tally.hear("quota-\udcff", 999, 39, 50_000)
    assert admitted(tally, 60, name="quota-\udcff") == 1
