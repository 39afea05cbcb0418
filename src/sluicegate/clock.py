"""Time, from one place, so that a test can hold it still.

The road asks `now()` often; it is bound to the C functions directly.
"""

from __future__ import annotations

import time
from collections.abc import Callable

now: Callable[[], float] = time.time
"""Seconds since 1970, as they stand in sessions, records and logs."""

ticks: Callable[[], float] = time.monotonic
"""Seconds of a clock that never goes back: for timeouts and latencies."""
