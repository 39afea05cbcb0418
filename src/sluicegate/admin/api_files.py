"""The files that definitions lie in, as Tyk lays them out: `<id>.json`, beside it `<id>-oas.json` (contract 02.0)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from sluicegate.admin.envelope import Refused
from sluicegate.admin.folder import Change, is_too_long
from sluicegate.admin.json_body import object_of
from sluicegate.admin.versions import in_document
from sluicegate.apidef import gojson
from sluicegate.apidef.classic import APIDefinition, VersionDefinition
from sluicegate.errors import ConfigError

if TYPE_CHECKING:
    from sluicegate.admin.node import Node
    from sluicegate.apidef.api import Api

CANNOT_WRITE = "file object creation failed, write error"
CANNOT_DELETE = "Delete failed"
EXTENSION = "x-tyk-api-gateway"
UNSAFE_ID = re.compile(r"[/\\\x00-\x1f\x7f]|\.\.|^\.|-(oas|mcp)$")


class ApiFiles:
    """The folder of definitions of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.folder = Path(node.settings.app_path)

    def path_of(self, api_id: str) -> Path:
        """Return the file of a definition: the one it was read from, else `<id>.json`."""
        api = self._node.find_api(api_id)
        if api is not None:
            source = Path(api.source)
            if source.suffix == ".json" and source.parent.absolute() == self.folder.absolute() and source.exists():
                return source
        return self.folder / f"{api_id}.json"

    def write(self, change: Change, definition: APIDefinition, document: dict[str, Any] | None = None) -> None:
        """Write a definition, with its OpenAPI document if it has one; a document it no longer has goes away."""
        path = self.path_of(definition.api_id)
        companion = _companion(path, definition)
        if document is not None:
            change.write(companion, _file(document))
        change.write(path, _file(definition))
        if document is None:
            change.remove(companion)

    def remove(self, change: Change, api_id: str) -> None:
        """Remove all files of a definition. Raises Refused 500 when there is none."""
        path = self.path_of(api_id)
        if not path.exists():
            raise Refused(500, CANNOT_DELETE)
        change.remove(path)
        for ending in ("-oas.json", "-mcp.json"):
            change.remove(path.with_name(path.stem + ending))

    def write_versions(self, change: Change, base: Api, versions: VersionDefinition) -> None:
        """Change what a base says of its versions, and nothing else: what is in the file stays as it was written."""
        path = self.path_of(base.api_id)
        try:
            definition = gojson.decode(path.read_bytes(), APIDefinition)
        except ConfigError:
            raise Refused(500, CANNOT_WRITE) from None
        document = None
        if base.oas is not None:
            document = object_of(_companion(path, definition).read_bytes(), CANNOT_WRITE)
            extension = document.setdefault(EXTENSION, {})
            info = extension.setdefault("info", {})
            info["versioning"] = {**(info.get("versioning") or {}), **in_document(versions)}
        self.write(change, replace(definition, api_id=base.api_id, definition=versions), document)


def can_name_a_file(api_id: str) -> bool:
    """Return whether an id can name a file of its own in the folder."""
    return bool(api_id) and UNSAFE_ID.search(api_id) is None and not is_too_long(api_id)


def check_api_id(api_id: str) -> None:
    """Raise Refused 400 for an id that cannot name a file of its own in the folder."""
    if not can_name_a_file(api_id):
        raise Refused(400, "Invalid API ID")


def _file(document: Any) -> bytes:
    return gojson.indented(gojson.encode(document))


def _companion(path: Path, definition: APIDefinition) -> Path:
    kind = "mcp" if definition.application_protocol == "mcp" else "oas"
    return path.with_name(f"{path.stem}-{kind}.json")
