"""Versions of an API that are APIs of their own: a base names its children by version (contract 02.4, 04.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.envelope import Refused, answer
from sluicegate.admin.node import Node
from sluicegate.admin.query import query_of
from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition, VersionDefinition
from sluicegate.apidef.gotypes import GoStruct

BASE_HEADER = "X-Tyk-Base-Api-Id"
SELF = "self"


class Version(GoStruct, frozen=True, rename="camel"):
    """One version of an API, as the list shows it."""

    id: str
    name: str
    version_name: str
    internal: bool
    expiration_date: str
    is_default_version: bool


class Versions(GoStruct, frozen=True):
    """The list."""

    status: str
    apis: Sequence[Version]


async def show(node: Node, request: Request) -> Response:
    """Answer the base and its versions, the base first, filtered by `searchText` and `accessType`."""
    base = node.find_api(request.path_params["apiID"])
    if base is None:
        raise Refused(404, "API not found")
    wanted = _Filter(query_of(request).get("searchText", "").lower(), query_of(request).get("accessType", ""))
    found = []
    definition = base.classic.definition
    if wanted.takes(base.classic, definition.name):
        found.append(_entry(base.classic, definition.name, definition))
    for name, api_id in sorted(definition.versions.items()):
        child = node.find_api(api_id)
        if child is not None and wanted.takes(child.classic, name):
            found.append(_entry(child.classic, name, definition))
    return answer(Versions("success", found))


def base_of(node: Node, api_id: str) -> Api | None:
    """Return the API that names this one as a version, or None."""
    for api in node.apis():
        if api.api_id != api_id and api_id in api.classic.definition.versions.values():
            return api
    return None


def base_header(node: Node, api_id: str) -> dict[str, str]:
    """Return the header that tells a child's base, if there is one."""
    base = base_of(node, api_id)
    return {BASE_HEADER: base.api_id} if base is not None else {}


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What the query of a POST says about the base of the new API."""

    base: Api
    base_name: str
    name: str
    is_default: bool

    @classmethod
    def asked_for(cls, node: Node, request: Request) -> NewVersion | None:
        """Return it, or None when no base is named. Raises Refused."""
        query = query_of(request)
        base_id = query.get("base_api_id", "")
        if not base_id:
            return None
        name = query.get("new_version_name", "")
        if not name:
            raise Refused(422, "The new version name is required")
        base = node.find_api(base_id)
        if base is None:
            raise Refused(400, f"{base_id} is not a valid Base API version")
        base_name = query.get("base_api_version_name", "") or base.classic.definition.name
        if not base_name:
            raise Refused(400, f"you need to provide a version name for the new Base API: {base_id}")
        return cls(base, base_name, name, query.get("set_default") == "true")

    def added_to(self, definition: VersionDefinition, api_id: str) -> VersionDefinition:
        """Return the base's definition with the new version in it."""
        return replace(
            definition,
            enabled=True,
            name=self.base_name,
            default=self.name if self.is_default else definition.default or SELF,
            location=definition.location or "header",
            key=definition.key or "x-api-version",
            versions={**definition.versions, self.name: api_id},
        )


def without_version(definition: VersionDefinition, api_id: str) -> VersionDefinition:
    """Return a base's definition without a child that goes away; the base is the default where the child was."""
    left = {name: child for name, child in definition.versions.items() if child != api_id}
    is_default_gone = definition.default in definition.versions and definition.default not in left
    return replace(definition, versions=left, default=definition.name if is_default_gone else definition.default)


def in_document(definition: VersionDefinition) -> dict[str, Any]:
    """Return what a version definition is in an OAS document: at `x-tyk-api-gateway.info.versioning`."""
    return {
        "enabled": definition.enabled,
        "name": definition.name,
        "default": definition.default,
        "location": definition.location,
        "key": definition.key,
        "versions": [{"name": name, "id": api_id} for name, api_id in sorted(definition.versions.items())],
    }


@dataclass(frozen=True, slots=True)
class _Filter:
    text: str
    access: str

    def takes(self, api: APIDefinition, version_name: str) -> bool:
        if self.access in ("internal", "external") and api.internal != (self.access == "internal"):
            return False
        return self.text in version_name.lower()


def _entry(api: APIDefinition, version_name: str, base: VersionDefinition) -> Version:
    default = base.name if base.default == SELF else base.default
    return Version(api.api_id, api.name, version_name, api.internal, api.expiration, default == version_name)
