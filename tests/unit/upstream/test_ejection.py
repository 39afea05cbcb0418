"""Passive ejection: when a target is left out, for how long, and when never."""

from __future__ import annotations

from sluicegate.settings.own import Ejection
from sluicegate.upstream.ejection import Ejector
from sluicegate.upstream.target import Target, parse_target


class Group:
    def __init__(self, count: int, failures: int = 2) -> None:
        self.now = 100.0
        self.changes = 0
        self.targets = [parse_target(f"http://t{at}.test") for at in range(count)]
        settings = Ejection(failures=failures, base_s=1, max_s=5)
        self.ejector = Ejector(settings, self.targets, self.changed, clock=lambda: self.now)
        for target in self.targets:
            target.ejector = self.ejector

    def changed(self) -> None:
        self.changes += 1

    def available(self) -> list[Target]:
        self.ejector.release_due()
        return [target for target in self.targets if target.available]


def test_ejects_after_failures_in_a_row_and_returns_in_time() -> None:
    group = Group(2)
    a, b = group.targets
    a.failed()
    a.succeeded()
    a.failed()
    assert group.available() == [a, b]
    a.failed()
    assert group.available() == [b]
    group.now += 0.9
    assert group.available() == [b]
    group.now += 0.1
    assert group.available() == [a, b]
    assert group.changes == 2


def test_one_more_failure_ejects_again_for_twice_as_long_up_to_the_limit() -> None:
    group = Group(2)
    a = group.targets[0]
    a.failed()
    lengths = []
    for _ in range(5):
        a.failed()
        lengths.append(a.ejected_until - group.now)
        group.now = a.ejected_until
        group.ejector.release_due()
    assert lengths == [1, 2, 4, 5, 5]


def test_a_success_clears_the_record_and_ends_the_ejection() -> None:
    group = Group(2)
    a = group.targets[0]
    a.failed()
    a.failed()
    a.succeeded()
    assert a in group.available()
    a.failed()
    assert a in group.available()


def test_the_last_one_is_never_ejected() -> None:
    group = Group(2)
    a, b = group.targets
    for target in (a, a, b, b, b):
        target.failed()
    assert group.available() == [b]
    group = Group(2)
    a, b = group.targets
    b.healthy = False
    a.failed()
    a.failed()
    assert group.available() == [a]


def test_zero_failures_is_never() -> None:
    group = Group(2, failures=0)
    for _ in range(10):
        group.targets[0].failed()
    assert len(group.available()) == 2
