"""Does a password fit what is stored of it (contract 08.3)?

bcrypt takes its time on purpose, some 50 ms. So that is done in a thread, a few at a time; requests that bring the same
password at the same time wait for one and the same answer; and that it fitted is remembered for a while. What is kept
is a keyed hash, with a key that this process made up, of the stored hash and the password together: it tells nobody
the password, and it is of no use any more once the password has been changed.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING

import bcrypt

from sluicegate.apidef.session import BasicAuthData
from sluicegate.clock import ticks
from sluicegate.store.tokens import ALGORITHMS, hash_text, to_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable

AT_ONCE = 2
MOST_WAITING = 256
"""Different passwords that are being worked out or wait for it; at 50 ms each, the last one waits for 6 s."""
MOST_KEPT = 10_000
BCRYPT_LONGEST_BYTES = 72
"""More of a password bcrypt does not look at."""

NOBODY = BasicAuthData("$2a$10$" + "CCCCCCCCCCCCCCCCCCCCC." + "C" * 31, "bcrypt")
"""Stands for the password of a user that is not there: it takes as long to work out as that of one who is."""


class Passwords:
    """Checks passwords for all APIs of a worker."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._fitted: dict[bytes, float] = {}  # when it did, in ticks
        self._running: dict[bytes, asyncio.Task[bool]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    @property
    def is_crowded(self) -> bool:
        """Whether so many wait already that no more should."""
        return len(self._running) >= MOST_WAITING

    def known(self, stored: BasicAuthData, password: str, kept_s: float) -> bool | None:
        """Return whether the password fits, or None where that has to be worked out first.

        kept_s: for how long it may be remembered that it did.
        """
        if not stored.hash_type:
            return hmac.compare_digest(to_bytes(stored.password), to_bytes(password))
        if stored.hash_type in ALGORITHMS:
            hashed = hash_text(password, stored.hash_type)
            return hmac.compare_digest(to_bytes(stored.password), to_bytes(hashed))
        fitted = self._fitted.get(self._place(stored, password)) if kept_s else None
        return True if fitted is not None and ticks() - fitted < kept_s else None

    def work_out(self, stored: BasicAuthData, password: str, kept_s: float) -> Awaitable[bool]:
        """Return whether the password fits the bcrypt hash. It goes on when the one who asked goes away."""
        place = self._place(stored, password)
        task = self._running.get(place)
        if task is None:
            task = self._running[place] = asyncio.create_task(self._work_out(place, stored, password, kept_s))
        return asyncio.shield(task)

    async def _work_out(self, place: bytes, stored: BasicAuthData, password: str, kept_s: float) -> bool:
        try:
            async with self._turns:
                fits = await asyncio.to_thread(_fits, to_bytes(stored.password), to_bytes(password))
        finally:
            del self._running[place]
        if fits and kept_s:
            self._keep(place)
        return fits

    def _keep(self, place: bytes) -> None:
        if len(self._fitted) >= MOST_KEPT:
            self._fitted = dict(islice(self._fitted.items(), MOST_KEPT // 2, None))
        self._fitted.pop(place, None)  # so that it stands last
        self._fitted[place] = ticks()

    def _place(self, stored: BasicAuthData, password: str) -> bytes:
        return blake2b(to_bytes(f"{stored.password}\0{password}"), digest_size=32, key=self._secret).digest()


def _fits(stored: bytes, password: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:BCRYPT_LONGEST_BYTES], stored)
    except ValueError:  # no hash of bcrypt: nothing fits it
        return False
