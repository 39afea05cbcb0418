"""Policies in files (contract 03.3): one file with all of them by id, or a folder with one a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sluicegate.apidef.file import bytes_of
from sluicegate.apidef.gojson import convert, parse
from sluicegate.apidef.policy_document import Policy
from sluicegate.errors import ConfigError

Entry = tuple[str, Policy | ConfigError]
"""A policy, or why it is refused, with what names its place: its file, or its key in the map."""

Entries = Iterator[Entry]

OnParsed = Callable[[Any, str], None]
"""Is told of each document that is a policy, and where it is: its file and its id."""


class PolicyPlace:
    """Reads policies again and again; one that cannot be read any more stays as it was read last.

    known: those that were read last, by what names their place.
    on_parsed: is told of each.
    """

    def __init__(self, entries: Callable[[OnParsed], Entries]) -> None:
        self._entries = entries
        self.known: dict[str, Policy] = {}
        self.on_parsed: OnParsed = lambda document, where: None

    def read(self) -> Entries:
        """Yield each policy, or why it is refused. Raises ConfigError when nothing at all can be read.

        One that says what it said is the same object, so that all can be compared with those before in no time.
        """
        for place, result in self._entries(self.on_parsed):
            known = self.known.get(place)
            yield place, known if known is not None and known == result else result

    def take(self, entries: Iterable[Entry]) -> tuple[dict[str, Policy], list[ConfigError]]:
        """Return the policies by id, and what was refused, of all that was read."""
        known: dict[str, Policy] = {}
        errors = []
        for place, result in entries:
            policy: Policy | None
            if isinstance(result, ConfigError):
                errors.append(result)
                policy = self.known.get(place)
            else:
                policy = result
            if policy is not None:
                known[place] = policy
        self.known = known
        return {policy.id: policy for policy in known.values()}, errors


def policies_in_folder(path: Path) -> PolicyPlace:
    """Return a folder with one policy a file. One without an id has its `_id`, or else the name of its file."""
    return PolicyPlace(lambda see: _of_folder(path, see))


def policies_in_file(path: Path) -> PolicyPlace:
    """Return a file that is a map from id to policy; the map's key is the id."""
    return PolicyPlace(lambda see: _of_file(path, see))


def _of_folder(path: Path, see: OnParsed) -> Entries:
    try:
        names = sorted(entry.name for entry in os.scandir(path) if entry.name.endswith(".json"))
    except OSError as error:
        hint = "policies.policy_path must name a folder of policies"
        raise ConfigError(str(path), f"the folder cannot be read: {error.strerror}", hint) from None
    for name in names:
        place = path / name
        try:
            document = parse(bytes_of(place, str(place)), str(place))
            policy = convert(document, Policy, str(place))
            policy_id = policy.id or policy.mid or _id_in_name(place)
        except ConfigError as error:
            yield name, error.kept()
        else:
            see(document, f"{place}: {policy_id}")
            yield name, policy if policy.id else replace(policy, id=policy_id)


def _id_in_name(place: Path) -> str:
    """Return the name of a file as an id. Raises ConfigError for one that is no text: it could not be answered."""
    try:
        place.stem.encode()
    except UnicodeEncodeError:
        raise ConfigError(str(place), "the name of the file is no text", 'give the policy an "id"') from None
    return place.stem


def _of_file(path: Path, see: OnParsed) -> Entries:
    written = parse(bytes_of(path, str(path)), str(path))
    if not isinstance(written, Mapping):
        raise ConfigError(str(path), "expected a map from policy ids to policies")
    for policy_id, body in written.items():
        where = f"{path}: {policy_id}"
        try:
            policy = replace(convert(body, Policy, where), id=policy_id)
        except ConfigError as error:
            yield policy_id, error.kept()
        else:
            see(body, where)
            yield policy_id, policy
