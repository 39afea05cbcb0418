"""The port: what the shared configuration needs of a store.

Maps hold fields with values under one name. All names belong to one slot of a Redis Cluster (`store.names`), so that a
change can be one step over several maps. Whatever cannot be done raises StoreError.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence

Field = tuple[str, str]
"""The name of a map, and a field of it."""


class Shelf(ABC):
    """Maps that are changed together, and a lock."""

    @abstractmethod
    async def get(self, name: str, fields: Sequence[str]) -> list[bytes | None]:
        """Return the values of some fields of a map, in their order."""

    @abstractmethod
    def items(self, name: str) -> AsyncIterator[list[tuple[str, bytes]]]:
        """Yield all fields and values of a map, some at a time; what is changed meanwhile may be in it or not."""

    @abstractmethod
    async def change(self, expected: Mapping[Field, bytes | None], values: Mapping[Field, bytes | None]) -> bool:
        """Write the values, None removes a field, in one step; but only if every expected field holds what it should.

        Returns whether it was done.
        """

    @abstractmethod
    async def take_lock(self, name: str, holder: str, lease_s: float, fence: Field) -> int:
        """Take a lock until the lease ends, and return the next number of the fence; 0 when somebody holds it.

        Somebody whose lease would end later than the one that is asked for holds it no more: the clock was put back.
        """

    @abstractmethod
    async def keep_lock(self, name: str, holder: str, lease_s: float) -> bool:
        """Begin the lease anew, or with 0 seconds end it; return whether the holder still held the lock."""
