"""The shelf in Redis: maps are hashes, and whatever has to be one step is a script."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence

from sluicegate.cluster.shelf import Field, Shelf
from sluicegate.errors import StoreError
from sluicegate.store.redis import RedisBackend, Script
from sluicegate.store.tokens import to_bytes

SOME_FIELDS = 200

CHANGE = Script("map_change")
TAKE = Script("lock_take")
KEEP = Script("lock_keep")


class RedisShelf(Shelf):
    """Maps and a lock that all nodes reach."""

    def __init__(self, backend: RedisBackend) -> None:
        self._backend = backend

    async def get(self, name: str, fields: Sequence[str]) -> list[bytes | None]:
        found: list[bytes | None] = []
        for start in range(0, len(fields), SOME_FIELDS):
            some = map(to_bytes, fields[start : start + SOME_FIELDS])
            found += await self._backend.call(b"HMGET", to_bytes(name), *some)
        return found

    async def items(self, name: str) -> AsyncIterator[list[tuple[str, bytes]]]:
        cursor = b"0"
        while True:
            cursor, flat = await self._backend.call(b"HSCAN", to_bytes(name), cursor, b"COUNT", SOME_FIELDS)
            fields = (field.decode("utf-8", "surrogateescape") for field in flat[::2])
            yield list(zip(fields, flat[1::2], strict=True))
            if cursor == b"0":
                return

    async def change(self, expected: Mapping[Field, bytes | None], values: Mapping[Field, bytes | None]) -> bool:
        maps = list(dict.fromkeys(name for name, _ in [*expected, *values]))
        words: list[bytes | int] = [len(expected)]
        for (name, field), value in [*expected.items(), *values.items()]:
            words += [maps.index(name) + 1, to_bytes(field), int(value is not None), value or b""]
        return bool(await self._backend.run(CHANGE, maps, *words))

    async def take_lock(self, name: str, holder: str, lease_s: float, fence: Field) -> int:
        token = await self._backend.run(TAKE, [name, fence[0]], holder, math.ceil(lease_s * 1000), fence[1])
        if not isinstance(token, int):
            raise StoreError(f"{name}: the store does not give out tokens")
        return token

    async def keep_lock(self, name: str, holder: str, lease_s: float) -> bool:
        return bool(await self._backend.run(KEEP, [name], holder, math.ceil(lease_s * 1000)))
