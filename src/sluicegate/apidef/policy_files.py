"""Policies in files (contract 03.3): one file with all of them by id, or a folder with one a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from sluicegate.apidef.gojson import convert, decode, parse
from sluicegate.apidef.policy_document import Policy
from sluicegate.errors import ConfigError


def read_policy_folder(path: Path) -> tuple[dict[str, Policy], list[ConfigError]]:
    """Return the policies of a folder by id, and which files were refused. Raises ConfigError when it cannot be read.

    A policy without an id has its `_id`, or else the name of its file.
    """
    try:
        places = sorted(place for place in path.iterdir() if place.suffix == ".json")
    except OSError as error:
        hint = "policies.policy_path must name a folder of policies"
        raise ConfigError(str(path), f"the folder cannot be read: {error.strerror}", hint) from None
    policies: dict[str, Policy] = {}
    errors = []
    for place in places:
        try:
            policy = decode(_bytes_of(place), Policy, str(place))
            policy_id = policy.id or policy.mid or place.stem
            policies[policy_id] = policy if policy.id else replace(policy, id=policy_id)
        except ConfigError as error:
            errors.append(error)
    return policies, errors


def read_policy_file(path: Path) -> tuple[dict[str, Policy], list[ConfigError]]:
    """Return the policies of one file, a map from id to policy, and which were refused; the map's key is the id.

    Raises ConfigError when the file cannot be read or is no map.
    """
    written = parse(_bytes_of(path), str(path))
    if not isinstance(written, Mapping):
        raise ConfigError(str(path), "expected a map from policy ids to policies")
    policies: dict[str, Policy] = {}
    errors = []
    for policy_id, body in written.items():
        try:
            policies[policy_id] = replace(convert(body, Policy, f"{path}: {policy_id}"), id=policy_id)
        except ConfigError as error:
            errors.append(error)
    return policies, errors


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(str(path), f"the file cannot be read: {error.strerror}") from None
