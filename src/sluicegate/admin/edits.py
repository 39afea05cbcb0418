"""What a call does to definitions, and how it is done: in the node's files, or where nodes share, in the cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

    @property
    def api_id(self) -> str:
        """The definition that it is about."""
        return self.definition.api_id


@dataclass(frozen=True, slots=True)
class Merge:
    """Write what is made of the definition that is in force.

    merged: makes it. It is called when nobody else can change that one.
    """

    api_id: str
    merged: Callable[[], Put]


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a definition."""

    api_id: str


@dataclass(frozen=True, slots=True)
class PutVersions:
    """Change what a base says of its versions, and nothing else.

    change: makes of the versions that it has what they shall be. It is called when nobody else can change them.
    """

    base: Api
    change: Callable[[VersionDefinition], VersionDefinition]


Edits = Sequence[Put | Merge | Remove | PutVersions]
"""All or nothing; the first is what the call is about, and no `PutVersions`."""


async def make(node: Node, request: Request, edits: Edits) -> dict[str, str]:
    """Make the edits, and return when they are in force, with headers for the answer. Raises Refused."""
    first = edits[0]
    assert not isinstance(first, PutVersions)
    removes, key = isinstance(first, Remove), Key(API, first.api_id)
    if node.shares and not (removes and not node.shared_generation(key)):
        plain = [_change(edit) for edit in edits if isinstance(edit, Put | Remove)]
        late = [edit for edit in edits if isinstance(edit, Merge | PutVersions)]
        return await share(node, request, plain, lambda: _late_changes(node, late), key)
    files = ApiFiles(node)
    await put_in_force(
        node,
        files.folder,
        lambda change: _write(node, files, change, edits),
        CANNOT_DELETE if removes else CANNOT_WRITE,
        api_id="" if removes else first.api_id,
        may_empty=removes,
    )
    return {}


def _change(edit: Put | Remove) -> Change:
    match edit:
        case Put(definition, document):
            return Change(Key(API, definition.api_id), api_content(definition, document))
        case Remove(api_id):
            return Change(Key(API, api_id), None)


async def _late_changes(node: Node, edits: Sequence[Merge | PutVersions]) -> list[Change]:
    """Return the changes that depend on what others may have written since the call began."""
    changes = []
    for edit in edits:
        match edit:
            case Merge(_, merged):
                changes.append(_change(merged()))
            case PutVersions(base):
                content = await with_versions(node, *_as_it_is(node, edit))
                changes.append(Change(Key(API, base.api_id), content))
    return changes


def _as_it_is(node: Node, edit: PutVersions) -> tuple[Api, VersionDefinition]:
    """Return the base that is in force, which others may have changed since the call began, and its new versions."""
    base = node.find_api(edit.base.api_id) or edit.base
    return base, edit.change(base.classic.definition)


def _write(node: Node, files: ApiFiles, change: folder.Change, edits: Edits) -> None:
    for edit in edits:
        match edit:
            case Put(definition, document):
                files.write(change, definition, document)
            case Merge(_, merged):
                put = merged()
                files.write(change, put.definition, put.document)
            case Remove(api_id):
                files.remove(change, api_id)
            case PutVersions():
                files.write_versions(change, *_as_it_is(node, edit))
