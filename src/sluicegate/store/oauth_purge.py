"""Lapsed OAuth tokens leave the lists of their clients: each hour, by request, and by notice (contract 05.1, 05.5).

Records of tokens expire by themselves; the list of a client that asks for no more tokens does not get shorter without
this. One node at a time goes through the lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sluicegate.errors import StoreError
from sluicegate.store.oauth import OAuthRecords

EVERY_S = 3600.0
LOCK_S = 60.0


class OAuthPurge:
    """Removes what expired longer ago than `oauth_token_expired_retain_period`."""

    def __init__(self, records: OAuthRecords, retain_s: Callable[[], int], log: Callable[..., None]) -> None:
        """retain_s: the setting as it is in force; 0 or less is no hourly purge."""
        self._records, self._retain_s, self._log = records, retain_s, log

    async def purge(self) -> None:
        """Go through all lists now. Raises StoreError."""
        await self._records.drop_all_lapsed(max(0, self._retain_s()))

    async def purge_if_first(self) -> None:
        """Go through all lists, unless another node has just begun to. What goes wrong is logged."""
        try:
            if await self._records.may_purge(LOCK_S):
                await self.purge()
        except StoreError as error:
            self._log("error", "Lapsed OAuth tokens could not be purged", prefix="oauth", error=str(error))

    async def run(self, every_s: float = EVERY_S) -> None:
        """Do so each hour, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            if self._retain_s() > 0:
                await self.purge_if_first()
