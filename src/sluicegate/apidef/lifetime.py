"""How long a session stays in the store (contract 03.5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.session import Session
from sluicegate.clock import now

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings

FOR_EVER = -1
NO_TTL = 0
LAST_MOMENT_S = (1 << 63) - 1
"""The latest that a field of a session can hold."""


def moment_in(seconds: int) -> int:
    """Return the moment in so many seconds, Unix seconds: one that a session can hold, however many they are."""
    return min(int(now()) + seconds, LAST_MOMENT_S)


def session_ttl_s(session: Session, apis: Iterable[APIDefinition], settings: Settings) -> int:
    """Return the seconds that a session of these APIs is stored; 0 or less: without end.

    The longest lifetime that an API gives wins; -1 wins at once.
    """
    longest = None
    for api in apis:
        lifetime = _lifetime_s(session, api.session_lifetime, api.session_lifetime_respects_key_expiration, settings)
        if lifetime == FOR_EVER:
            return FOR_EVER
        longest = lifetime if longest is None else max(longest, lifetime)
    return _lifetime_s(session, 0, False, settings) if longest is None else longest


def _lifetime_s(session: Session, of_api_s: int, respects_expiry: bool, settings: Settings) -> int:
    if settings.force_global_session_lifetime:
        return settings.global_session_lifetime
    expires, present = session.expires, int(now())
    if session.post_expiry_action == "delete":
        return NO_TTL if expires <= 0 else max(1, expires - present)
    if session.post_expiry_action == "retain" and session.post_expiry_grace_period:
        if session.post_expiry_grace_period < 0:
            return FOR_EVER
        return NO_TTL if expires <= 0 else max(1, expires + session.post_expiry_grace_period - present)
    lifetime = session.session_lifetime or of_api_s
    if lifetime <= 0:
        return NO_TTL
    if respects_expiry or settings.session_lifetime_respects_key_expiration:
        if expires <= 0:
            return expires
        if expires > present + lifetime:
            return expires - present
    return lifetime
