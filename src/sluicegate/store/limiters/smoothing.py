"""Limits that grow and shrink with their use, in steps (contract 07.9): `enable_rate_limit_smoothing`.

What is allowed now lies in Redis beside the log of requests, in Tyk's form: a hash of `delay`, `current` and
`nextUpdateAt`. It begins at the threshold. When an update is due, whoever gets the lock moves it by one step.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from sluicegate.apidef.session import RateLimitSmoothing
from sluicegate.clock import now
from sluicegate.store import names
from sluicegate.store.redis import RedisBackend
from sluicegate.store.tokens import to_bytes

LOCK_S = 8.0
FRACTION = re.compile(r"(\.\d{1,6})\d*")


def is_valid(smoothing: RateLimitSmoothing | None) -> bool:
    """Return whether there is something to go by."""
    return (
        smoothing is not None
        and smoothing.enabled
        and min(smoothing.step, smoothing.delay, smoothing.threshold, smoothing.trigger) > 0
    )


def next_allowance(smoothing: RateLimitSmoothing, current: int, used: int, rate: int) -> int:
    """Return what is allowed after an update, when so many requests are in the window."""
    margin = smoothing.trigger * smoothing.step
    if used >= current - margin:
        return min(rate, current + smoothing.step)
    if used <= current - smoothing.step - margin:
        return max(smoothing.threshold, current - smoothing.step)
    return current


async def smoothed(backend: RedisBackend, name: str, smoothing: RateLimitSmoothing, used: int, rate: int) -> int:
    """Return how many requests are allowed now. Raises StoreError."""
    key = names.allowance(name)
    words = await backend.call(b"HGETALL", to_bytes(key))
    stored = dict(zip(words[::2], words[1::2], strict=True))
    current = _current(stored, smoothing.threshold)
    if stored and _due_at(stored) > now():
        return min(rate, current)
    lock, token = names.smoothing_lock(name), secrets.token_hex(8).encode()
    if not await backend.add(lock, token, LOCK_S):
        return min(rate, current)
    if stored:
        current = next_allowance(smoothing, current, used, rate)
    due = datetime.fromtimestamp(now() + smoothing.delay, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    fields = (b"delay", smoothing.delay, b"current", current, b"nextUpdateAt", due)
    await backend.call(b"HSET", to_bytes(key), *fields)
    await backend.expire(key, 2 * smoothing.delay)
    if await backend.get(lock) == token:
        await backend.delete(lock)
    return min(rate, current)


def _current(stored: Mapping[bytes, bytes], threshold: int) -> int:
    try:
        return int(stored[b"current"])
    except (KeyError, ValueError):
        return threshold


def _due_at(stored: Mapping[bytes, bytes]) -> float:
    """Return when the next update is due, in seconds since 1970; what is no time is due now."""
    text = stored.get(b"nextUpdateAt", b"").decode("ascii", "replace")
    try:
        return datetime.fromisoformat(FRACTION.sub(r"\1", text)).timestamp()
    except ValueError:
        return 0.0
