"""What a call does to definitions, and how it is done: in the node's files, or where nodes share, in the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sluicegate.admin.api_files import CANNOT_DELETE, CANNOT_WRITE, ApiFiles
from sluicegate.admin.in_force import put_in_force
from sluicegate.admin.shared import api_content, share, with_versions
from sluicegate.cluster.document import API, Key
from sluicegate.cluster.documents import Change

if TYPE_CHECKING:
    from starlette.requests import Request

    from sluicegate.admin import folder
    from sluicegate.admin.node import Node
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import APIDefinition, VersionDefinition


@dataclass(frozen=True, slots=True)
class Put:
    """Write a definition, with its OpenAPI document if it has one."""

    definition: APIDefinition
    document: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a definition."""

    api_id: str


@dataclass(frozen=True, slots=True)
class PutVersions:
    """Change what a base says of its versions, and nothing else."""

    base: Api
    versions: VersionDefinition


Edits = Sequence[Put | Remove | PutVersions]
"""All or nothing; the first is what the call is about."""


async def make(node: Node, request: Request, edits: Edits) -> dict[str, str]:
    """Make the edits, and return when they are in force, with headers for the answer. Raises Refused."""
    first = edits[0]
    if node.shares and not (isinstance(first, Remove) and not node.shared_generation(Key(API, first.api_id))):
        return await share(node, request, [await _change(node, edit) for edit in edits])
    files = ApiFiles(node)
    removes = isinstance(first, Remove)
    await put_in_force(
        node,
        files.folder,
        lambda change: _write(files, change, edits),
        CANNOT_DELETE if removes else CANNOT_WRITE,
        api_id=first.definition.api_id if isinstance(first, Put) else "",
        may_empty=removes,
    )
    return {}


async def _change(node: Node, edit: Put | Remove | PutVersions) -> Change:
    match edit:
        case Put(definition, document):
            return Change(Key(API, definition.api_id), api_content(definition, document))
        case Remove(api_id):
            return Change(Key(API, api_id), None)
        case PutVersions(base, versions):
            return Change(Key(API, base.api_id), await with_versions(node, base, versions))


def _write(files: ApiFiles, change: folder.Change, edits: Edits) -> None:
    for edit in edits:
        match edit:
            case Put(definition, document):
                files.write(change, definition, document)
            case Remove(api_id):
                files.remove(change, api_id)
            case PutVersions(base, versions):
                files.write_versions(change, base, versions)
