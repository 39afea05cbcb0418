"""A folder of definitions, or policies, read once."""

from __future__ import annotations

from pathlib import Path

from sluicegate.apidef.api import Api
from sluicegate.apidef.folder import DefinitionFolder
from sluicegate.apidef.policy_document import Policy
from sluicegate.apidef.policy_files import PolicyPlace
from sluicegate.errors import ConfigError


def read_folder(path: Path) -> tuple[list[Api], list[ConfigError]]:
    """Return all definitions of a folder, and what was refused. Raises ConfigError when it cannot be read."""
    folder = DefinitionFolder(path)
    apis: list[Api] = []
    errors: list[ConfigError] = []
    for one in folder.read(folder.listed()):
        if isinstance(one, Api):
            apis.append(one)
        else:
            errors.append(one)
    return apis, errors


def read_policies(place: PolicyPlace) -> tuple[dict[str, Policy], list[ConfigError]]:
    """Return all policies of a place, and what was refused. Raises ConfigError when it cannot be read."""
    return place.take(place.read())
