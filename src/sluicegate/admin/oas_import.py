"""OpenAPI documents from elsewhere: make an API of one, or renew the OpenAPI part of an API (contract 04.5)."""

from __future__ import annotations

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin import apis, oas_apis
from sluicegate.admin.api_files import EXTENSION
from sluicegate.admin.body import read_body
from sluicegate.admin.edits import Merge, Put, make
from sluicegate.admin.envelope import Refused, changed
from sluicegate.admin.json_body import JsonObject, object_of
from sluicegate.admin.node import Node
from sluicegate.admin.oas_servers import retained
from sluicegate.admin.query import query_of
from sluicegate.admin.versions import NewVersion
from sluicegate.apidef.oas.imported import ImportOptions, with_default_extension
from sluicegate.errors import ConfigError
from sluicegate.settings.convert import FALSE_WORDS, TRUE_WORDS

HAS_EXTENSION = "the import payload should not contain x-tyk-api-gateway"
NO_ID = "Must specify an apiID to patch"


async def create(node: Node, request: Request) -> Response:
    """Make an API of a plain OpenAPI document; the query says what the document doesn't."""
    apis.refuse_with_dashboard(node)
    version = NewVersion.asked_for(node, request)
    document = object_of(await read_body(node, request), oas_apis.MALFORMED)
    if EXTENSION in document:
        raise Refused(400, HAS_EXTENSION)
    oas_apis.check(document)
    options = _options(request) or ImportOptions()
    try:
        document = with_default_extension(document, options, is_import=True)
    except ConfigError as error:
        raise Refused(400, error.what) from None
    return await oas_apis.add(node, request, document, version)


async def patch(node: Node, request: Request) -> Response:
    """Put another OpenAPI document under an API's extension; what the query says changes the extension too."""
    apis.refuse_with_dashboard(node)
    document = object_of(await read_body(node, request), oas_apis.MALFORMED)
    oas_apis.check(document)
    if not request.path_params["apiID"].strip():
        raise Refused(400, NO_ID)
    api_id = oas_apis.found_for_write(node, request).api_id
    headers = await make(node, request, [Merge(api_id, lambda: _merged(node, request, document))])
    return changed(api_id, "modified", headers=headers)


def _merged(node: Node, request: Request, document: JsonObject) -> Put:
    """Return the edit that puts a document in force, with the extension of the one that is."""
    api = oas_apis.found_for_write(node, request)
    options = _options(request)
    if document.get(EXTENSION) and options is None:
        return oas_apis.in_the_place_of(node, api, document)
    old = oas_apis.shown(api)
    document = {**document, "servers": retained(old.get("servers") or [], document.get("servers") or [])}
    document.setdefault(EXTENSION, old[EXTENSION])
    if options is not None:
        try:
            document = with_default_extension(document, replace(options, api_id=""), is_import=False)
        except ConfigError as error:
            raise Refused(400, error.what) from None
    return oas_apis.in_the_place_of(node, api, document)


def _options(request: Request) -> ImportOptions | None:
    """Return what the query says of the extension, or None when it says nothing."""
    said = {name: text.strip() for name, text in query_of(request).items()}
    switches = {
        name: _switch(said.get(name, "")) for name in ("allowList", "validateRequest", "mockResponse", "authentication")
    }
    options = ImportOptions(
        upstream_url=said.get("upstreamURL", ""),
        listen_path=said.get("listenPath", ""),
        custom_domain=said.get("customDomain", ""),
        api_id=said.get("apiID", ""),
        allow_list=switches["allowList"],
        validate_request=switches["validateRequest"],
        mock_response=switches["mockResponse"],
        authentication=switches["authentication"],
    )
    return options if options != ImportOptions() else None


def _switch(text: str) -> bool | None:
    """Return what a text switches; a text that is neither on nor off says nothing."""
    return text in TRUE_WORDS if text in TRUE_WORDS | FALSE_WORDS else None
