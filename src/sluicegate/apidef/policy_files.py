"""Policies in files (contract 03.3): one file with all of them by id, or a folder with one a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from sluicegate.apidef.file import bytes_of
from sluicegate.apidef.gojson import convert, decode, parse
from sluicegate.apidef.policy_document import Policy
from sluicegate.errors import ConfigError

Entries = Iterator[tuple[str, Policy | ConfigError]]
"""Each policy, or why it is refused, with what names its place: its file, or its key in the map."""


class PolicyPlace:
    """Reads policies again and again; one that cannot be read any more stays as it was read last.

    known: those that were read last, by what names their place.
    """

    def __init__(self, entries: Callable[[], Entries]) -> None:
        self._entries = entries
        self.known: dict[str, Policy] = {}

    def read(self) -> tuple[dict[str, Policy], list[ConfigError]]:
        """Return the policies by id, and what was refused. Raises ConfigError when nothing at all can be read."""
        known: dict[str, Policy] = {}
        errors = []
        for place, result in self._entries():
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
    return PolicyPlace(lambda: _of_folder(path))


def policies_in_file(path: Path) -> PolicyPlace:
    """Return a file that is a map from id to policy; the map's key is the id."""
    return PolicyPlace(lambda: _of_file(path))


def _of_folder(path: Path) -> Entries:
    try:
        places = sorted(place for place in path.iterdir() if place.suffix == ".json")
    except OSError as error:
        hint = "policies.policy_path must name a folder of policies"
        raise ConfigError(str(path), f"the folder cannot be read: {error.strerror}", hint) from None
    for place in places:
        try:
            policy = decode(bytes_of(place, str(place)), Policy, str(place))
        except ConfigError as error:
            yield place.name, error.kept()
        else:
            policy_id = policy.id or policy.mid or place.stem
            yield place.name, policy if policy.id else replace(policy, id=policy_id)


def _of_file(path: Path) -> Entries:
    written = parse(bytes_of(path, str(path)), str(path))
    if not isinstance(written, Mapping):
        raise ConfigError(str(path), "expected a map from policy ids to policies")
    for policy_id, body in written.items():
        try:
            yield policy_id, replace(convert(body, Policy, f"{path}: {policy_id}"), id=policy_id)
        except ConfigError as error:
            yield policy_id, error.kept()
