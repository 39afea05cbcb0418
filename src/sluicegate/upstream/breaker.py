"""The circuit breaker: spares an upstream that fails too often, and finds out when it is well again (contract 09.12).

One breaker stands for one endpoint entry of a definition. The `CircuitBreaker` middleware asks `allows()` before a
request goes out, and whoever sees the end of it says `succeeded()` or `failed()`.

States and transitions

    CLOSED ── samples ≥ `samples` and share of failures ≥ `threshold` within 10 s ──► OPEN
    OPEN   ── `return_to_service_s` since it tripped ──────────────────────────────► CLOSED  (nothing remembered)
    OPEN   ── a probe is due: one request is let through; it succeeds ─────────────► CLOSED
                                                          it fails   ─────────────► OPEN, the next probe later

Invariants

- Time is only looked at when somebody asks, so there is no timer to cancel, and a breaker that is gone leaves nothing.
- While OPEN at most one request is let through per probe pause. The pause starts at 0.5 s and grows by half with each
  probe. A probe whose end nobody reports (its client went away) costs no more than that pause.
- An answer to a request that left before the breaker tripped changes nothing once it is OPEN: only a probe's does.
- Counts live in ten buckets of one second; a bucket is emptied when its second comes round again.
"""

from __future__ import annotations

from collections.abc import Callable

from sluicegate.clock import ticks

WINDOW_BUCKETS = 10
BUCKET_S = 1.0
FIRST_PROBE_S = 0.5
PROBE_GROWTH = 1.5

TRIPPED, RESET = "BreakerTripped", "BreakerReset"
"""What listeners are told: Tyk's names of the events (contract 09.15)."""

Listener = Callable[[str], None]


class Breaker:
    """Counts how requests to one endpoint end, and says whether the next may go out.

    threshold:           share of failures, 0 to 1, from which it trips.
    samples:             how many requests the window must hold before it can trip.
    return_to_service_s: seconds after which it closes whatever the upstream does.
    probes:              False: no request is let through before that (`disable_half_open_state`).
    on_change:           is told TRIPPED or RESET.
    """

    __slots__ = (
        "_buckets",
        "_clock",
        "_next_probe",
        "_on_change",
        "_opened",
        "_pause_s",
        "_probes",
        "_probing",
        "_return_s",
        "_samples",
        "_threshold",
    )

    def __init__(
        self,
        threshold: float,
        samples: int,
        return_to_service_s: float,
        probes: bool = True,
        on_change: Listener | None = None,
        clock: Callable[[], float] = ticks,
    ) -> None:
        self._threshold, self._samples, self._return_s = threshold, max(samples, 1), return_to_service_s
        self._probes, self._on_change, self._clock = probes, on_change, clock
        self._buckets: list[list[int]] = [[0, 0, 0] for _ in range(WINDOW_BUCKETS)]  # second, successes, failures
        self._opened: float | None = None  # when it tripped; None: CLOSED
        self._next_probe = 0.0
        self._pause_s = FIRST_PROBE_S
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether requests are held back now, but for a probe."""
        self._return_to_service(self._clock())
        return self._opened is not None

    def allows(self) -> bool:
        """Return whether a request may go out; while the breaker is open, True makes that request the probe."""
        if self._opened is None:
            return True
        now = self._clock()
        if self._return_to_service(now):
            return True
        if not self._probes or now < self._next_probe:
            return False
        self._probing = True
        self._pause_s *= PROBE_GROWTH
        self._next_probe = now + self._pause_s
        return True

    def succeeded(self) -> None:
        """A request that was allowed got an answer below 500."""
        if self._opened is not None:
            if self._probing:
                self._close()
            return
        self._bucket(self._clock())[1] += 1

    def failed(self) -> None:
        """A request that was allowed got an answer of 500 or above, or none."""
        now = self._clock()
        if self._opened is not None:
            self._probing = False
            return
        self._bucket(now)[2] += 1
        if self._fails_too_often(now):
            self._trip(now)

    def _bucket(self, now: float) -> list[int]:
        second = int(now / BUCKET_S)
        bucket = self._buckets[second % WINDOW_BUCKETS]
        if bucket[0] != second:
            bucket[:] = (second, 0, 0)
        return bucket

    def _fails_too_often(self, now: float) -> bool:
        oldest = int(now / BUCKET_S) - WINDOW_BUCKETS + 1
        successes = failures = 0
        for second, good, bad in self._buckets:
            if second >= oldest:
                successes += good
                failures += bad
        total = successes + failures
        return total >= self._samples and failures >= self._threshold * total

    def _trip(self, now: float) -> None:
        self._opened = now
        self._probing = False
        self._pause_s = FIRST_PROBE_S
        self._next_probe = now + FIRST_PROBE_S
        self._tell(TRIPPED)

    def _return_to_service(self, now: float) -> bool:
        if self._opened is None or now - self._opened < self._return_s:
            return False
        self._close()
        return True

    def _close(self) -> None:
        self._opened = None
        self._probing = False
        for bucket in self._buckets:
            bucket[:] = (0, 0, 0)
        self._tell(RESET)

    def _tell(self, event: str) -> None:
        if self._on_change is not None:
            self._on_change(event)
