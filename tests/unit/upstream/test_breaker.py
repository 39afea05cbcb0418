"""The circuit breaker, second by second."""

from __future__ import annotations

from sluicegate.upstream.breaker import RESET, TRIPPED, Breaker


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def breaker(time: Time, events: list[str] | None = None, probes: bool = True) -> Breaker:
    on_change = None if events is None else events.append
    return Breaker(0.5, 4, 60, probes=probes, on_change=on_change, clock=time)


def trip(it: Breaker) -> None:
    for _ in range(4):
        it.failed()


def test_trips_at_the_threshold_and_tells() -> None:
    events: list[str] = []
    it = breaker(Time(), events)
    it.succeeded()
    it.succeeded()
    it.failed()
    assert it.allows()
    it.failed()
    assert not it.allows()
    assert events == [TRIPPED]


def test_too_few_samples_never_trip() -> None:
    it = breaker(Time())
    for _ in range(3):
        it.failed()
    assert it.allows()


def test_failures_older_than_the_window_are_forgotten() -> None:
    time = Time()
    it = breaker(time)
    for _ in range(3):
        it.failed()
    time.now += 10
    it.failed()
    assert it.allows()


def test_the_window_holds_ten_seconds() -> None:
    time = Time()
    it = breaker(time)
    for _ in range(4):
        it.failed()
        time.now += 3
    assert it.is_open


def test_returns_to_service_after_the_set_time() -> None:
    time, events = Time(), []
    it = breaker(time, events, probes=False)
    trip(it)
    time.now += 59
    assert not it.allows()
    time.now += 1
    assert it.allows()
    assert events == [TRIPPED, RESET]
    it.failed()
    assert it.allows(), "nothing of before is counted"


def test_one_probe_at_a_time_and_a_good_one_closes() -> None:
    time, events = Time(), []
    it = breaker(time, events)
    trip(it)
    assert not it.allows()
    time.now += 0.5
    assert it.allows()
    assert not it.allows(), "one probe only"
    it.succeeded()
    assert it.allows()
    assert not it.is_open
    assert events == [TRIPPED, RESET]


def test_probes_come_more_and_more_rarely() -> None:
    time = Time()
    it = breaker(time)
    trip(it)
    waits = []
    for _ in range(4):
        began = time.now
        while not it.allows():
            time.now += 0.125
        waits.append(time.now - began)
        it.failed()
    assert waits == [0.5, 0.75, 1.125, 1.75]


def test_a_probe_nobody_reports_is_followed_by_another() -> None:
    time = Time()
    it = breaker(time)
    trip(it)
    time.now += 0.5
    assert it.allows()
    time.now += 0.75
    assert it.allows()


def test_late_answers_from_before_the_trip_do_not_close() -> None:
    it = breaker(Time())
    trip(it)
    it.succeeded()
    assert it.is_open
