"""`/tyk/apis/oas`: definitions as OpenAPI documents with `x-tyk-api-gateway` (contract 04.5).

`oas_import.py` takes those without it.
"""

from __future__ import annotations

import uuid
from typing import Any

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin import apis
from sluicegate.admin.api_files import EXTENSION, check_api_id
from sluicegate.admin.body import read_body
from sluicegate.admin.edits import Put, make
from sluicegate.admin.envelope import Refused, answer, changed
from sluicegate.admin.json_body import JsonObject, object_of
from sluicegate.admin.node import Node
from sluicegate.admin.oas_servers import own_servers, with_own_servers
from sluicegate.admin.query import query_of
from sluicegate.admin.shared import etag
from sluicegate.admin.versions import NewVersion, base_header
from sluicegate.apidef import gojson
from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.oas.check import check_document
from sluicegate.apidef.oas.extract import extract
from sluicegate.apidef.oas.fill import fill
from sluicegate.apidef.oas.imported import with_operation_ids
from sluicegate.cluster.document import API, Key
from sluicegate.errors import ConfigError

IS_CLASSIC = "the requested API definition is in Tyk classic format, please use old api endpoint"
IS_OAS = "the supplied API definition is in OAS format, please use the Tyk classic format for this API"
NO_EXTENSION = "the payload should contain x-tyk-api-gateway"
MALFORMED = "request malformed"


async def show_all(node: Node, request: Request) -> Response:
    """Answer all documents."""
    return answer([shown(api) for api in node.apis() if _is_listed(api)])


async def show(node: Node, request: Request) -> Response:
    """Answer one document; a child version's base is in the header."""
    api = _found(node, request)
    headers = base_header(node, api.api_id) | etag(node, Key(API, api.api_id))
    return Response(gojson.encode(shown(api)), 200, headers, media_type="application/json")


async def create(node: Node, request: Request) -> Response:
    """Add a document, as a version of another API if the query says so; one with the same id is replaced."""
    apis.refuse_with_dashboard(node)
    version = NewVersion.asked_for(node, request)
    document = object_of(await read_body(node, request), MALFORMED)
    if document.get(EXTENSION) is None:
        raise Refused(400, NO_EXTENSION)
    check(document)
    return await add(node, request, document, version)


async def add(node: Node, request: Request, document: JsonObject, version: NewVersion | None) -> Response:
    """Put a checked document in force as a new API."""
    definition = definition_of(document)
    definition = replace(definition, api_id=definition.api_id or uuid.uuid4().hex)
    check_api_id(definition.api_id)
    document = completed(node, definition, document)
    headers = await make(node, request, [Put(definition, document), *apis.as_version(version, definition)])
    return changed(definition.api_id, "added", headers=headers)


def completed(node: Node, definition: APIDefinition, document: JsonObject) -> JsonObject:
    """Return the document of a new API with its id, and with what the gateway adds."""
    return _completed(with_id(document, definition.api_id), own_servers(definition, node.settings), [])


async def update(node: Node, request: Request) -> Response:
    """Replace a document."""
    apis.refuse_with_dashboard(node)
    document = object_of(await read_body(node, request), MALFORMED)
    if document.get(EXTENSION) is None:
        raise Refused(400, NO_EXTENSION)
    check(document)
    api = found_for_write(node, request)
    headers = await make(node, request, [in_the_place_of(node, api, document)])
    return changed(api.api_id, "modified", headers=headers)


def in_the_place_of(node: Node, api: Api, document: JsonObject) -> Put:
    """Return the edit that puts a checked document in the place of another. Raises Refused 400."""
    definition = definition_of(document)
    if definition.api_id != api.api_id:
        raise Refused(400, apis.MISMATCH)
    own, before = own_servers(definition, node.settings), own_servers(api.classic, node.settings)
    return Put(definition, _completed(document, own, before))


async def delete(node: Node, request: Request) -> Response:
    """Remove a document, and its place among the versions of its base."""
    apis.refuse_with_dashboard(node)
    return await apis.delete(node, request)


async def export(node: Node, request: Request) -> Response:
    """Answer one document as a file, with `mode=public` without the extension."""
    api = _found(node, request)
    is_public = _is_public(request)
    name = f"{'oas' if is_public else 'TykOasApiDef'}-{api.api_id}.json"
    return _file(name, _exported(api, is_public))


async def export_all(node: Node, request: Request) -> Response:
    """Answer all documents as one file."""
    is_public = _is_public(request)
    documents = [_exported(api, is_public) for api in node.apis() if _is_listed(api)]
    return _file("oas.json" if is_public else "TykOasApiDef.json", documents)


def check(document: JsonObject) -> None:
    """Raise Refused 400 with everything that the schemas find wrong, a line each."""
    problems = check_document(document)
    if problems:
        raise Refused(400, "\n".join(problems))


def definition_of(document: JsonObject) -> APIDefinition:
    """Return what the document means as a classic definition. Raises Refused 400."""
    try:
        definition = extract(document, APIDefinition(is_oas=True))
    except ConfigError as error:
        raise Refused(400, str(error)) from None
    apis.validate(definition)
    return definition


def shown(api: Api) -> JsonObject:
    """Return the document of an OAS API as it is in force."""
    return fill(api.oas or {}, api.classic)


def with_id(document: JsonObject, api_id: str) -> JsonObject:
    """Return the document with the id in its extension."""
    extension = document[EXTENSION]
    return {**document, EXTENSION: {**extension, "info": {**(extension.get("info") or {}), "id": api_id}}}


def found_for_write(node: Node, request: Request) -> Api:
    """Return the API that the path names. Raises Refused 404, or 400 when it is classic."""
    api = apis.found(node, request)
    if not _is_oas(api):
        raise Refused(400, IS_OAS)
    return api


def _found(node: Node, request: Request) -> Api:
    api = apis.found(node, request)
    if not _is_oas(api):
        raise Refused(400, IS_CLASSIC)
    return api


def _is_oas(api: Api) -> bool:
    return api.oas is not None


def _is_public(request: Request) -> bool:
    return query_of(request).get("mode") == "public"


def _completed(document: JsonObject, own: list[str], before: list[str]) -> JsonObject:
    """Return the document with what the gateway adds: its addresses, an id on each operation, `components`."""
    return {"components": {}, **with_own_servers(with_operation_ids(document), own, before)}


def _is_listed(api: Api) -> bool:
    return _is_oas(api) and api.classic.application_protocol != "mcp"


def _exported(api: Api, is_public: bool) -> JsonObject:
    document = shown(api)
    return {key: value for key, value in document.items() if not (is_public and key == EXTENSION)}


def _file(name: str, content: Any) -> Response:
    headers = {"Content-Disposition": f'attachment;filename="{name}"'}
    return Response(gojson.indented(gojson.encode(content)), 200, headers, media_type="application/octet-stream")
