"""Goes through a history, and names whatever must not have happened.

    lost        an answered write is not there; a count went by something that was no longer so; a generation is missing
    torn        a commit, or what a node had in force, is not all of one generation and nothing else
    reordered   a write that was called after another had been answered comes before it
    twice       one write, or one generation, is there more than once
    untrue      a write is there that was said not to be done, or that nobody called; one is elsewhere than told

A Redis that is replicated answers before its replicas know. What it answered shortly before a fail-over, and when it
was back until all Sentinels had heard of that, may be gone with it: those writes are counted apart. All else holds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.soak.history import ANSWERED, FAILED, REFUSED, TOTAL, Call, Commit, History, Version

LOST, TORN, REORDERED, TWICE, UNTRUE = "lost", "torn", "reordered", "twice", "untrue"
UNREPLICATED_S = 1.0
"""How long before a fault a write may have been answered that no replica has got yet."""
UNTOLD_S = 4.0
"""How long writers may take a former master for the master: Sentinels tell each other every two seconds."""


@dataclass(frozen=True)
class Fault:
    """What must not have happened."""

    kind: str
    what: str


@dataclass
class Verdict:
    """What a history comes to."""

    faults: list[Fault] = field(default_factory=list)
    gone_with_a_master: list[Call] = field(default_factory=list)


def check(history: History) -> Verdict:
    """Return all that is wrong with a history."""
    verdict = Verdict()
    for part in (_numbering, _whole, _counts, _no_write_twice, _not_done, _order, _tokens, _order_in_time, _readings):
        verdict.faults += part(history)
    faults, verdict.gone_with_a_master = _answered(history)
    verdict.faults += faults
    return verdict


def _numbering(history: History) -> Iterator[Fault]:
    found = Counter(commit.generation for commit in history.commits)
    for generation in range(1, history.last + 1):
        if not found[generation]:
            yield Fault(LOST, f"generation {generation} is missing")
    for generation, times in found.items():
        if times > 1:
            yield Fault(TWICE, f"generation {generation} is there {times} times")


def _whole(history: History) -> Iterator[Fault]:
    if not history.is_digest_right:
        yield Fault(TORN, "the store's digest is not that of its documents")
    for commit in history.commits:
        own = commit.after.get(commit.writer)
        if set(commit.after) != {TOTAL, commit.writer}:
            yield Fault(TORN, f"generation {commit.generation} changed {sorted(commit.after)}")
        elif any(version.generation != commit.generation for version in commit.after.values()):
            yield Fault(TORN, f"generation {commit.generation} left {commit.after}")
        elif own is not None and own.number != commit.number:
            yield Fault(TORN, f"generation {commit.generation} is number {commit.number}, and left {own.number}")


def _counts(history: History) -> Iterator[Fault]:
    before = 0
    for commit in history.commits:
        count = commit.after.get(TOTAL, Version(0, 0)).number
        if count != before + 1:
            yield Fault(LOST, f"generation {commit.generation} counted {count} after {before}")
        before = count


def _no_write_twice(history: History) -> Iterator[Fault]:
    for (writer, number), times in Counter((one.writer, one.number) for one in history.commits).items():
        if times > 1:
            yield Fault(TWICE, f"number {number} of {writer} is there {times} times")


def _not_done(history: History) -> Iterator[Fault]:
    calls = {(call.writer, call.number): call for call in history.calls}
    for commit in history.commits:
        call = calls.get((commit.writer, commit.number))
        if call is None:
            yield Fault(
                UNTRUE, f"generation {commit.generation} is number {commit.number} of {commit.writer}: not called"
            )
        elif call.outcome in (REFUSED, FAILED):
            yield Fault(UNTRUE, f"generation {commit.generation} was said to be {call.outcome}: {call}")


def _answered(history: History) -> tuple[list[Fault], list[Call]]:
    """Return what is wrong with answered writes, and which of them went with a master."""
    by_generation = {commit.generation: commit for commit in history.commits}
    by_write = {(commit.writer, commit.number): commit for commit in history.commits}
    faults, gone = [], []
    for call in history.calls:
        if call.outcome != ANSWERED or _is_of(by_generation.get(call.generation), call):
            continue
        elsewhere = by_write.get((call.writer, call.number))
        if elsewhere is not None:
            faults.append(Fault(UNTRUE, f"{call} is in generation {elsewhere.generation}"))
        elif _may_be_gone(history, call):
            gone.append(call)
        else:
            faults.append(Fault(LOST, f"{call} is not there"))
    return faults, gone


def _is_of(commit: Commit | None, call: Call) -> bool:
    return commit is not None and (commit.writer, commit.number) == (call.writer, call.number)


def _may_be_gone(history: History, call: Call) -> bool:
    return any(one.began_s - UNREPLICATED_S <= call.ended_s <= one.back_s + UNTOLD_S for one in history.switches)


def _order(history: History) -> Iterator[Fault]:
    last: dict[str, int] = {}
    for commit in history.commits:
        if commit.number < last.get(commit.writer, 0):
            yield Fault(REORDERED, f"{commit.writer} wrote {commit.number} after {last[commit.writer]}")
        last[commit.writer] = commit.number


def _tokens(history: History) -> Iterator[Fault]:
    """Tokens grow. A new master may not know of the last one, and give it out again: then the state decides alone."""
    before = 0
    for commit in history.commits:
        if commit.token < before or (commit.token == before and not history.switches):
            yield Fault(REORDERED, f"generation {commit.generation} has token {commit.token} after {before}")
        before = commit.token


def _order_in_time(history: History) -> Iterator[Fault]:
    calls = {(call.writer, call.number): call for call in history.calls}
    earliest_end_s, earliest = math.inf, None
    for commit in reversed(history.commits):
        call = calls.get((commit.writer, commit.number))
        if call is None:
            continue
        if call.called_s > earliest_end_s:
            yield Fault(REORDERED, f"{call} was called after {earliest} had ended")
        if call.outcome == ANSWERED and call.ended_s < earliest_end_s:
            earliest_end_s, earliest = call.ended_s, call


def _readings(history: History) -> Iterator[Fault]:
    held = list(_documents(history))
    last: dict[str, int] = {}
    for reading in history.readings:
        is_known = not history.switches and reading.generation < len(held)
        if reading.numbers.get(TOTAL, 0) != reading.generation:
            yield Fault(TORN, f"{reading} is not of one generation")
        elif is_known and reading.numbers != held[reading.generation]:
            yield Fault(TORN, f"{reading}, and the store had {held[reading.generation]}")
        elif not history.switches and reading.generation > history.last:
            yield Fault(LOST, f"{reading}, and the store is at {history.last}")
        if not history.switches and reading.generation < last.get(reading.reader, 0):
            yield Fault(REORDERED, f"{reading} comes after generation {last[reading.reader]}")
        last[reading.reader] = reading.generation


def _documents(history: History) -> Iterator[dict[str, int]]:
    """Yield what the store held at each generation, from 0 on."""
    held: dict[str, int] = {}
    yield {}
    for commit in history.commits:
        held |= {name: version.number for name, version in commit.after.items()}
        yield dict(held)
