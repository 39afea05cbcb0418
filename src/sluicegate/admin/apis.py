"""`/tyk/apis`: classic definitions (contract 04.4). Unlike Tyk's, a write is in force when its 200 goes out."""

from __future__ import annotations

import uuid

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.api_files import check_api_id
from sluicegate.admin.body import read_body
from sluicegate.admin.edits import Put, PutVersions, Remove, make
from sluicegate.admin.envelope import Refused, answer, changed
from sluicegate.admin.node import Node
from sluicegate.admin.query import query_of
from sluicegate.admin.shared import etag
from sluicegate.admin.versions import NewVersion, base_header, base_of, without_version
from sluicegate.apidef import gojson
from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.validate import check_definition
from sluicegate.cluster.document import API, Key
from sluicegate.errors import ConfigError

NOT_FOUND = "API not found"
MISMATCH = "Request APIID does not match that in Definition! For Update operations these must match."
CLASSIC_ONLY = "this API endpoint only supports Tyk Classic APIs; please use the appropriate Tyk OAS API endpoint"
USE_DASHBOARD = "Due to enabled use_db_app_configs, please use the Dashboard API"


async def show_all(node: Node, request: Request) -> Response:
    """Answer all definitions in their classic form; MCP proxies only where asked for."""
    with_mcp = "mcp" in query_of(request).get("include_types", "").split(",")
    return answer([api.classic for api in node.apis() if with_mcp or api.classic.application_protocol != "mcp"])


async def show(node: Node, request: Request) -> Response:
    """Answer one definition; a child version's base is in the header."""
    api = found(node, request)
    return answer(api.classic, headers=base_header(node, api.api_id) | etag(node, Key(API, api.api_id)))


async def create(node: Node, request: Request) -> Response:
    """Add a definition, as a version of another if the query says so; one with the same id is replaced."""
    refuse_with_dashboard(node)
    version = NewVersion.asked_for(node, request)
    definition = await _definition_of(node, request)
    validate(definition)
    definition = replace(definition, api_id=definition.api_id or uuid.uuid4().hex, is_oas=False)
    check_api_id(definition.api_id)
    headers = await make(node, request, [Put(definition), *as_version(version, definition)])
    return changed(definition.api_id, "added", headers=headers)


async def update(node: Node, request: Request) -> Response:
    """Replace a definition."""
    refuse_with_dashboard(node)
    api = found(node, request)
    if api.oas is not None:
        raise Refused(400, CLASSIC_ONLY)
    definition = await _definition_of(node, request)
    if definition.api_id != api.api_id:
        raise Refused(400, MISMATCH)
    validate(definition)
    headers = await make(node, request, [Put(replace(definition, is_oas=False))])
    return changed(api.api_id, "modified", headers=headers)


async def delete(node: Node, request: Request) -> Response:
    """Remove a definition, and its place among the versions of its base."""
    api = found(node, request)
    base = base_of(node, api.api_id)
    edits: list[Put | Remove | PutVersions] = [Remove(api.api_id)]
    if base is not None:
        edits.append(PutVersions(base, lambda versions: without_version(versions, api.api_id)))
    await make(node, request, edits)
    return changed(api.api_id, "deleted")


def as_version(version: NewVersion | None, definition: APIDefinition) -> list[PutVersions]:
    """Return the edit that makes a definition a version of another, if it shall be one."""
    if version is None:
        return []
    return [PutVersions(version.base, lambda versions: version.added_to(versions, definition.api_id))]


def found(node: Node, request: Request) -> Api:
    """Return the API that the path names. Raises Refused 404."""
    api = node.find_api(request.path_params["apiID"])
    if api is None:
        raise Refused(404, NOT_FOUND)
    return api


def validate(definition: APIDefinition) -> None:
    """Raise Refused 400 with the first thing that Tyk finds wrong (contract 02.0)."""
    problem = check_definition(definition)
    if problem:
        raise Refused(400, f"Validation of API Definition failed. Reason: {problem}.")


def refuse_with_dashboard(node: Node) -> None:
    """Raise Refused 500 where definitions come from a Dashboard."""
    if node.settings.use_db_app_configs:
        raise Refused(500, USE_DASHBOARD)


async def _definition_of(node: Node, request: Request) -> APIDefinition:
    try:
        return gojson.decode(await read_body(node, request), APIDefinition)
    except ConfigError:
        raise Refused(400, "Request malformed") from None
