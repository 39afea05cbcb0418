"""Where definitions and policies come from: the folders that the settings name, read without holding up requests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sluicegate.apidef.api import Api
from sluicegate.apidef.folder import DefinitionFolder
from sluicegate.apidef.policy_files import PolicyPlace, policies_in_file, policies_in_folder
from sluicegate.errors import ConfigError
from sluicegate.routing.slices import give_way

if TYPE_CHECKING:
    from sluicegate.apidef.policy_document import Policy
    from sluicegate.settings.model import Settings


@dataclass(slots=True)
class Sources:
    """What is read at every load. policies: None: the settings name no place for them."""

    definitions: DefinitionFolder
    policies: PolicyPlace | None


@dataclass(slots=True)
class Found:
    """What was read.

    policies: None: there is no place for them, or it cannot be read: those in force stay.
    refused:  definitions that are no such.
    problems: what is wrong with policies.
    """

    apis: list[Api] = field(default_factory=list)
    refused: list[ConfigError] = field(default_factory=list)
    policies: Mapping[str, Policy] | None = None
    problems: list[ConfigError] = field(default_factory=list)


def sources_of(settings: Settings) -> Sources:
    """Return the places that the settings name."""
    definitions = DefinitionFolder(Path(settings.app_path), settings.secrets, settings.kv.file.base_path)
    named = settings.policies
    if named.policy_path:
        return Sources(definitions, policies_in_folder(Path(named.policy_path)))
    if named.policy_record_name and named.policy_source in ("", "file"):
        return Sources(definitions, policies_in_file(Path(named.policy_record_name)))
    return Sources(definitions, None)


async def read_all(sources: Sources) -> Found:
    """Read everything. An `app_path` that is not there holds no definitions (contract 01.1).

    Raises ConfigError when the folder of definitions is there and cannot be read.
    """
    found = Found()
    if sources.policies is not None:
        read = []
        try:
            for entry in sources.policies.read():
                read.append(entry)
                await give_way()
            found.policies, found.problems = sources.policies.take(read)
        except ConfigError as error:
            found.problems = [error.kept()]
    if sources.definitions.path.is_dir():
        listing = await asyncio.to_thread(sources.definitions.listed)
        for one in sources.definitions.read(listing):
            if isinstance(one, Api):
                found.apis.append(one)
            else:
                found.refused.append(one)
            await give_way()
    return found
