"""The folder of definitions, `app_path` (contract 02.0).

`X.json` is a definition; `X-oas.json` or `X-mcp.json` beside it is the document of one with `is_oas`. One file that is
wrong is refused by name and hurts no other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.file import bytes_of
from sluicegate.apidef.gotypes import NIL_MAP
from sluicegate.apidef.read import read_api
from sluicegate.apidef.references import refers_to_files
from sluicegate.errors import ConfigError

COMPANIONS = ("-oas.json", "-mcp.json")
SETTLED_S = 2.0
"""A file that was changed more recently than this is read again: its time may not tell two changes apart."""

Listing = dict[str, os.DirEntry[str]]

Stamp = tuple[tuple[int, int, int], ...]
"""When a file and its companions were changed, their sizes and inodes."""


class DefinitionFolder:
    """Reads a folder again and again; files that did not change are not parsed twice.

    on_parsed: is told of each definition that was parsed, with its texts.
    """

    def __init__(self, path: Path, secrets: Mapping[str, str] = NIL_MAP, file_base: str = "") -> None:
        self.path, self.secrets, self.file_base = path, secrets, file_base
        self.on_parsed: Callable[[Api, Sequence[bytes]], None] | None = None
        self._known: dict[str, tuple[Stamp, Api]] = {}

    def listed(self) -> Listing:
        """Return the files there are, by name, in the order of names. Waits for the disk, and needs nothing of this.

        Raises ConfigError when the folder cannot be read.
        """
        try:
            entries = [entry for entry in os.scandir(self.path) if entry.name.endswith(".json")]
        except OSError as error:
            hint = "app_path must name a folder of definitions"
            raise ConfigError(str(self.path), f"the folder cannot be read: {error.strerror}", hint) from None
        return {entry.name: entry for entry in sorted(entries, key=lambda entry: entry.name)}

    def read(self, entries: Listing) -> Iterator[Api | ConfigError]:
        """Yield each definition of a listing, or why it is refused, file by file; what was read is taken out of it."""
        known, self._known = self._known, {}
        ids: dict[str, str] = {}
        for name in list(entries):
            if name.endswith(COMPANIONS):
                continue
            result = self._read_file(name, entries, known.pop(name, None))
            if isinstance(result, Api) and ids.setdefault(result.api_id, name) != name:
                text = f'the api_id "{result.api_id}" is taken by {ids[result.api_id]}'
                result = ConfigError(result.source, text, "give each definition an api_id of its own")
            yield result

    def _read_file(self, name: str, entries: Listing, known: tuple[Stamp, Api] | None) -> Api | ConfigError:
        stem = name.removesuffix(".json")
        stamp = tuple(_stamp(entries.pop(one, None)) for one in (name, *(stem + ending for ending in COMPANIONS)))
        if known is not None and known[0] == stamp:
            self._known[name] = known
            return known[1]
        try:
            api, is_fixed = self._parse(self.path / name)
        except ConfigError as error:
            return error.kept()
        newest_s = max(changed_ns for changed_ns, _, _ in stamp) / 1e9
        if is_fixed and time.time() - newest_s > SETTLED_S:
            self._known[name] = (stamp, api)
        return api

    def _parse(self, place: Path) -> tuple[Api, bool]:
        """Return the API, and whether the files alone decide what it is."""
        source = str(place)
        texts = [bytes_of(place, source)]

        def companion(definition: APIDefinition) -> bytes:
            ending = COMPANIONS[definition.application_protocol == "mcp"]
            texts.append(bytes_of(place.with_name(place.stem + ending), source))
            return texts[-1]

        api = read_api(texts[0], companion, source, self.secrets, file_base=self.file_base)
        if self.on_parsed is not None:
            self.on_parsed(api, texts)
        return api, not any(refers_to_files(text) for text in texts)


def _stamp(entry: os.DirEntry[str] | None) -> tuple[int, int, int]:
    try:
        status = entry.stat() if entry is not None else None
    except OSError:
        status = None
    return (0, 0, 0) if status is None else (status.st_mtime_ns, status.st_size, status.st_ino)
