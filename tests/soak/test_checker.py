"""The checker finds each kind of fault in a history that was made up with it, and none in one without."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.soak.checker import LOST, REORDERED, TORN, TWICE, UNTRUE, check
from tests.soak.history import (
    ANSWERED,
    CUT_SHORT,
    FAILED,
    REFUSED,
    TOTAL,
    UNCLEAR,
    UNREADABLE,
    Call,
    Commit,
    History,
    Reading,
    Switch,
    Version,
    calls_of,
    readings_of,
)

A, B = "a", "b"


def call(writer, number, called_s, generation, outcome=ANSWERED):
    return Call(writer, number, called_s, called_s + 0.5, outcome, generation)


def commit(generation, writer, number, token=None, total=None, **after):
    own = {TOTAL: Version(total or generation, generation), writer: Version(number, generation)}
    return Commit(generation, token or generation * 10, writer, number, {**own, **after})


@pytest.fixture
def history():
    """Four writes by two writers, one after the other, with one that was refused in between."""
    calls = [call(A, 1, 1, 1), call(B, 1, 2, 2), call(A, 2, 3, 0, REFUSED), call(A, 3, 4, 3), call(B, 2, 5, 4)]
    commits = [commit(1, A, 1), commit(2, B, 1), commit(3, A, 3), commit(4, B, 2)]
    readings = [Reading("r", 2.5, 2, {TOTAL: 2, A: 1, B: 1}), Reading("r", 6, 4, {TOTAL: 4, A: 3, B: 2})]
    return History(calls, commits, readings, last=4)


def kinds(history):
    return {fault.kind for fault in check(history).faults}


def test_a_good_history_has_no_fault(history):
    assert check(history).faults == []


@pytest.mark.parametrize("outcome", [UNCLEAR, CUT_SHORT])
def test_a_write_of_which_nobody_knows_may_be_there_or_not(history, outcome):
    history.calls[4] = replace(history.calls[4], outcome=outcome, generation=0)
    history.calls.append(call(A, 4, 6, 0, outcome))
    assert check(history).faults == []


def test_lost_an_answered_write_that_is_not_there(history):
    history.calls.append(call(A, 4, 6, 5))
    assert kinds(history) == {LOST}


def test_lost_an_answered_write_that_another_one_was_put_over(history):
    history.calls.append(call(A, 4, 4.9, 4))
    assert kinds(history) == {LOST}


def test_lost_a_generation_that_is_missing(history):
    history.calls[1] = replace(history.calls[1], outcome=UNCLEAR)
    del history.commits[1]
    assert LOST in kinds(history)


def test_lost_a_count_that_went_by_something_old(history):
    history.commits[2] = commit(3, A, 3, total=2)
    history.commits[3] = commit(4, B, 2, total=3)
    history.readings.pop()
    assert kinds(history) == {LOST}


def test_lost_what_a_node_had_in_force(history):
    history.readings.append(Reading("r", 7, 5, {TOTAL: 5, A: 3, B: 3}))
    assert kinds(history) == {LOST}


@pytest.mark.parametrize(
    "after",
    [
        {TOTAL: Version(3, 3)},
        {TOTAL: Version(3, 3), A: Version(3, 3), B: Version(2, 3)},
        {TOTAL: Version(3, 3), A: Version(3, 2)},
        {TOTAL: Version(3, 3), A: Version(2, 3)},
        {TOTAL: Version(3, 3), A: UNREADABLE},
    ],
    ids=["half of it", "more than it", "of two generations", "of two writes", "unreadable"],
)
def test_torn_a_commit(history, after):
    history.commits[2] = replace(history.commits[2], after=after)
    assert TORN in kinds(history)


def test_torn_a_store_whose_digest_is_wrong(history):
    history.is_digest_right = False
    assert kinds(history) == {TORN}


@pytest.mark.parametrize("numbers", [{TOTAL: 3, A: 1, B: 1}, {TOTAL: 2, A: 1}, {TOTAL: 2, A: 3, B: 1}])
def test_torn_what_a_node_had_in_force(history, numbers):
    history.readings[0] = replace(history.readings[0], numbers=numbers)
    assert kinds(history) == {TORN}


def test_reordered_writes_of_one_writer(history):
    history.calls = [replace(one, called_s=0, ended_s=9) for one in history.calls]
    history.calls[0], history.calls[3] = (
        replace(history.calls[0], generation=3),
        replace(history.calls[3], generation=1),
    )
    history.commits[0], history.commits[2] = commit(1, A, 3), commit(3, A, 1)
    history.readings.clear()
    assert kinds(history) == {REORDERED}


def test_reordered_a_write_before_one_that_had_been_answered(history):
    history.calls[1] = replace(history.calls[1], called_s=4.6, ended_s=4.7)
    assert kinds(history) == {REORDERED}


def test_reordered_writes_that_ran_at_once_are_not(history):
    history.calls[1] = replace(history.calls[1], called_s=4.4, ended_s=4.7)
    assert check(history).faults == []


@pytest.mark.parametrize("token", [20, 15])
def test_reordered_tokens(history, token):
    history.commits[2] = commit(3, A, 3, token=token)
    assert kinds(history) == {REORDERED}


def test_reordered_what_a_node_had_in_force(history):
    history.readings.append(Reading("r", 7, 2, {TOTAL: 2, A: 1, B: 1}))
    assert kinds(history) == {REORDERED}


def test_twice_a_write(history):
    history.commits.append(commit(5, A, 3))
    history.last = 5
    assert TWICE in kinds(history)


def test_twice_a_generation(history):
    history.commits.insert(2, commit(2, A, 2))
    assert TWICE in kinds(history)


@pytest.mark.parametrize("outcome", [REFUSED, FAILED])
def test_untrue_that_a_write_was_not_done(history, outcome):
    history.calls[4] = replace(history.calls[4], outcome=outcome, generation=0)
    assert kinds(history) == {UNTRUE}


def test_untrue_where_a_write_is(history):
    history.calls[1] = replace(history.calls[1], generation=4)
    assert kinds(history) == {UNTRUE}


def test_untrue_a_write_that_nobody_called(history):
    del history.calls[4]
    assert kinds(history) == {UNTRUE}


def test_what_went_with_a_master_is_told_apart(history):
    history.calls.append(call(A, 4, 6, 5))
    history.switches.append(Switch(6.6, 9))
    verdict = check(history)
    assert (verdict.faults, verdict.gone_with_a_master) == ([], [history.calls[-1]])
    for too_late_or_early in (Switch(8, 9), Switch(1, 2)):
        history.switches[0] = too_late_or_early
        assert kinds(history) == {LOST}


def test_diaries_are_read_as_they_are_written():
    diary = "call 1 1.0\nanswered 1 1.5 7\ncall 2 2.0\nrefused 2 2.5 0\ncall 3 3.0\n"
    assert calls_of(A, diary) == [Call(A, 1, 1, 1.5, ANSWERED, 7), Call(A, 2, 2, 2.5, REFUSED), Call(A, 3, 3)]
    assert readings_of("r", "1.0 0\n2.0 1 a=1 total=1\n") == [
        Reading("r", 1, 0, {}),
        Reading("r", 2, 1, {A: 1, TOTAL: 1}),
    ]
