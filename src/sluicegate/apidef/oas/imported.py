"""A plain OpenAPI document becomes an API: the extension that is made for it (contract 02.8, 04.5)."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sluicegate.apidef.oas.document import EXTENSION
from sluicegate.apidef.oas.mapping import Tree, get, put
from sluicegate.apidef.oas.operations import located
from sluicegate.errors import ConfigError

NO_SERVERS = (
    "The ‘servers’ object is empty in your OAS. You can either add a ‘servers’ section to your OpenAPI description "
    "or provide a Custom Upstream URL in the manual configuration options below."
)
BAD_SERVER = (
    "The first entry in the ‘servers’ object of your OAS is not valid. The URL must be absolute and properly formatted "
    "(e.g. https://example.com). Please update {} to be a valid URL and try again."
)
NO_DEFAULT = "server variable {} does not have a default value"
UNKNOWN_VARIABLES = "server URL contains undefined variables"
BAD_UPSTREAM = (
    "The manually configured upstream URL is not valid. The URL must be absolute and properly formatted "
    "(e.g. https://example.com). Please check the URL format and try again."
)
NO_SECURITY = (
    "The ‘security’ object is empty in your OAS. When enabling authentication, your OpenAPI description must include a "
    "‘security’ object that defines the authentication schemes. You can either add a ‘security’ object or disable "
    "authentication in the API settings."
)
INVALID_REQUEST_STATUS = 422
VARIABLE = re.compile(r"\{([^}]*)\}")


class ImportOptions(msgspec.Struct, frozen=True):
    """What whoever imports a document says of its extension. None: not said."""

    upstream_url: str = ""
    listen_path: str = ""
    custom_domain: str = ""
    api_id: str = ""
    allow_list: bool | None = None
    validate_request: bool | None = None
    mock_response: bool | None = None
    authentication: bool | None = None


def with_default_extension(document: dict[str, Any], options: ImportOptions, *, is_import: bool) -> dict[str, Any]:
    """Return the document with an extension made for it, or with the one it has changed as the options say.

    is_import: the document comes from elsewhere: it is made an active API, and its first server is the upstream.
    Raises ConfigError with Tyk's text; the document given is not changed.
    """
    document = with_operation_ids(document)
    extension: Tree = deepcopy(document.get(EXTENSION) or {})
    if is_import:
        _put_defaults(document, extension)
    if options.api_id:
        put(extension, "info.id", options.api_id)
    if options.listen_path or not get(extension, "server.listenPath.value"):
        put(extension, "server.listenPath.value", options.listen_path or "/")
    if options.custom_domain:
        if get(extension, "server.customDomain") is None:
            put(extension, "server.customDomain.enabled", True)
        put(extension, "server.customDomain.name", options.custom_domain)
    _put_upstream(document, extension, options)
    if options.authentication is not None:
        _put_authentication(document, extension, options.authentication)
    _put_operations(document, extension, options)
    return {**document, EXTENSION: extension}


def with_operation_ids(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with an `operationId` on every operation: path without slashes, then method (`petsGET`)."""
    document = deepcopy(document)
    for path, method, _, said in located(document):
        if not said.get("operationId"):
            said["operationId"] = path.strip("/") + method
    return document


def _put_defaults(document: dict[str, Any], extension: Tree) -> None:
    put(extension, "info.name", get(document, "info.title") or "")
    put(extension, "info.state.active", True)
    put(extension, "server.listenPath.strip", True)
    put(extension, "middleware.global.contextVariables.enabled", True)
    put(extension, "middleware.global.trafficLogs.enabled", True)


def _put_upstream(document: dict[str, Any], extension: Tree, options: ImportOptions) -> None:
    if options.upstream_url:
        if not _is_absolute(options.upstream_url):
            raise ConfigError("", BAD_UPSTREAM)
        put(extension, "upstream.url", options.upstream_url)
    elif not get(extension, "upstream.url"):
        put(extension, "upstream.url", _first_server(document))


def _first_server(document: dict[str, Any]) -> str:
    servers = document.get("servers")
    if not isinstance(servers, list) or not servers:
        raise ConfigError("", NO_SERVERS)
    url = get(servers[0], "url")
    url = _with_variables(url if isinstance(url, str) else "", get(servers[0], "variables"))
    if not _is_absolute(url):
        raise ConfigError("", BAD_SERVER.format(json.dumps(url, ensure_ascii=False)))
    return url


def _with_variables(url: str, variables: Any) -> str:
    """Return a server's URL with the defaults of its variables filled in."""
    for name in VARIABLE.findall(url):
        variable = variables.get(name) if isinstance(variables, dict) else None
        if variable is None:
            raise ConfigError("", UNKNOWN_VARIABLES)
        default = get(variable, "default")
        if default in (None, ""):
            raise ConfigError("", NO_DEFAULT.format(name))
        url = url.replace(f"{{{name}}}", str(default))
    return url


def _is_absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.scheme and parts.hostname)
    except ValueError:
        return False


def _put_authentication(document: dict[str, Any], extension: Tree, enabled: bool) -> None:
    security = document.get("security")
    if not isinstance(security, list) or not security or not isinstance(security[0], dict):
        raise ConfigError("", NO_SECURITY)
    put(extension, "server.authentication.enabled", enabled)
    schemes = get(extension, "server.authentication.securitySchemes") or {}
    for name in security[0]:
        component = get(document.get("components"), "securitySchemes")
        said = dict(schemes.get(name) or {})
        said["enabled"] = enabled
        place = get(component.get(name), "in") if isinstance(component, dict) else None
        said.setdefault(place if place in ("query", "cookie") else "header", {"enabled": True})
        schemes[name] = said
    put(extension, "server.authentication.securitySchemes", schemes)


def _put_operations(document: dict[str, Any], extension: Tree, options: ImportOptions) -> None:
    if options.allow_list is options.validate_request is options.mock_response is None:
        return
    operations = dict(get(extension, "middleware.operations") or {})
    for _, _, item, said in located(document):
        asked = dict(operations.get(said["operationId"]) or {})
        if options.allow_list is not None:
            asked["allow"] = {**(asked.get("allow") or {}), "enabled": options.allow_list}
            if options.allow_list and (asked.get("block") or {}).get("enabled"):
                asked["block"] = {**asked["block"], "enabled": False}
        if options.validate_request is not None and _takes_anything(item, said):
            asked["validateRequest"] = {
                "errorResponseCode": INVALID_REQUEST_STATUS,
                **(asked.get("validateRequest") or {}),
                "enabled": options.validate_request,
            }
        if options.mock_response is not None and _has_examples(said):
            examples = {"enabled": options.mock_response}
            asked["mockResponse"] = {
                **(asked.get("mockResponse") or {}),
                "enabled": options.mock_response,
                "fromOASExamples": examples,
            }
        if asked:
            operations[said["operationId"]] = asked
    put(extension, "middleware.operations", operations)


def _takes_anything(item: dict[str, Any], said: dict[str, Any]) -> bool:
    """Return whether there is anything in a request that can be checked: a body, or parameters."""
    return said.get("requestBody") is not None or bool(said.get("parameters") or item.get("parameters"))


def _has_examples(said: dict[str, Any]) -> bool:
    """Return whether a mock could answer with anything: an example, or what a schema allows."""
    return any(
        get(media, "example") is not None
        or get(media, "schema") is not None
        or any(get(example, "value") is not None for example in _values(get(media, "examples")))
        for response in _values(said.get("responses"))
        for media in _values(get(response, "content"))
    )


def _values(tree: Any) -> list[Any]:
    return list(tree.values()) if isinstance(tree, dict) else []
