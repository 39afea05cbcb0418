"""What of a node's files is in force, kept where a worker that dies cannot take it along.

    first worker ─► after each load: what has changed ─► supervisor ─ fork ─► a worker in the place of another

A new worker reads the files like any other. Where a file is not what it was, it first puts into force what was there
before, so that its first load is a reload like those of its siblings: a file that is broken by now, or a folder that is
empty, takes nothing away. It lies in memory: a node that is started has nothing to go back to.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from os import fsdecode, fsencode
from typing import TYPE_CHECKING

import msgspec

from sluicegate.apidef import gojson
from sluicegate.apidef.api import Api
from sluicegate.apidef.policy_document import Policy
from sluicegate.apidef.read import read_api
from sluicegate.errors import ConfigError
from sluicegate.routing.slices import give_way

if TYPE_CHECKING:
    from sluicegate.routing.route import Route
    from sluicegate.settings.model import Settings

Tell = Callable[[Mapping[bytes, bytes | None]], None]
"""Tells the supervisor what has changed, by name; None is gone. Names are bytes, since names of files are."""

POLICY = b"policy:"
DEFINITION = b"definition:"
MOST_AT_A_TIME = 500


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """A definition as it was read: its text and that of its companion, and the checksum of what they meant."""

    checksum: str
    texts: list[bytes]


class LastGood:
    """What was in force when this worker began, and what it tells for the next one.

    memory: as the supervisor had it when it forked this worker.
    tell:   None for a worker that tells nothing: one of them is enough.
    """

    def __init__(self, memory: dict[bytes, bytes], settings: Settings) -> None:
        self._memory, self._settings = memory, settings
        self.tell: Tell | None = None
        self._told = set(memory)
        self._told_policies: Mapping[str, Policy] = {}
        self._seen: dict[str, tuple[str, bytes]] = {}

    # -- from the one before

    def policies(self) -> dict[str, Policy]:
        """Return the policies, by what names their place."""
        return {
            fsdecode(name.removeprefix(POLICY)): gojson.decode(zlib.decompress(packed), Policy)
            for name, packed in self._memory.items()
            if name.startswith(POLICY)
        }

    async def apis(self, found: Iterable[Api]) -> list[Api]:
        """Return the definitions that were in force, but for those that are in files as they were; then forget them.

        found: what the files hold now.
        """
        same = {api.source: api.checksum for api in found}
        recalled = []
        for name, packed in self._memory.items():
            source = fsdecode(name.removeprefix(DEFINITION))
            if name.startswith(DEFINITION) and (api := self._read(source, packed, same.get(source))) is not None:
                recalled.append(api)
            await give_way()
        self._memory.clear()
        return recalled

    def _read(self, source: str, packed: bytes, checksum_now: str | None) -> Api | None:
        kept = msgspec.msgpack.decode(zlib.decompress(packed), type=Packed)
        if kept.checksum == checksum_now:
            return None
        classic, *companion = kept.texts
        settings = self._settings
        try:
            return read_api(
                classic,
                lambda _definition: companion[0] if companion else b"",
                source,
                settings.secrets,
                file_base=settings.kv.file.base_path,
            )
        except ConfigError:  # what it refers to is not there any more
            return None

    # -- for the next one

    def see(self, api: Api, texts: Sequence[bytes]) -> None:
        """A file was read; whether it comes into force will be seen."""
        if self.tell is not None:
            self._seen[api.source] = (api.checksum, _pack(Packed(api.checksum, list(texts))))

    async def note(self, routes: Mapping[str, Route], policies: Mapping[str, Policy]) -> None:
        """Tell what is in force after a load: routes by id, policies by what names their place."""
        if self.tell is None:
            return
        names = set()
        changed: dict[bytes, bytes | None] = {}
        for name, packed in chain(self._definitions(routes), self._policies(policies)):
            names.add(name)
            if packed is not None:
                changed[name] = packed
            if len(changed) >= MOST_AT_A_TIME:
                self._tell(changed)
                changed = {}
            await give_way()
        self._told_policies = policies
        changed |= dict.fromkeys(self._told - names)
        if changed:
            self._tell(changed)

    def _definitions(self, routes: Mapping[str, Route]) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield what names each definition, and what is to be told of it; None: it is as it was told."""
        for route in routes.values():
            seen = self._seen.get(route.api.source)
            packed = None
            if seen is not None and seen[0] == route.api.checksum:
                packed = seen[1]
                del self._seen[route.api.source]
            yield DEFINITION + fsencode(route.api.source), packed

    def _policies(self, policies: Mapping[str, Policy]) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield the same of each policy."""
        for place, policy in policies.items():
            is_told = self._told_policies.get(place) == policy
            yield POLICY + fsencode(place), None if is_told else zlib.compress(gojson.encode(policy), 1)

    def _tell(self, changed: Mapping[bytes, bytes | None]) -> None:
        assert self.tell is not None
        self.tell(changed)
        self._told |= changed.keys()
        self._told -= {name for name, packed in changed.items() if packed is None}


def _pack(what: Packed) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(what), 1)
