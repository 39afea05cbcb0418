"""From an OpenAPI document to the classic definition that the gateway runs by (Tyk's ExtractTo, contract 02.8).

What the extension does not say is off: without `trafficLogs` nothing is recorded, without `customDomain` none is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.gojson import convert
from sluicegate.apidef.gowriters import writer_of
from sluicegate.apidef.oas.document import extension_of
from sluicegate.apidef.oas.gateway import XTykAPIGateway
from sluicegate.apidef.oas.global_sections import GLOBAL
from sluicegate.apidef.oas.mapping import Section, Tree, fields_of, get, put
from sluicegate.apidef.oas.operations import extended_paths
from sluicegate.apidef.oas.security import put_security
from sluicegate.apidef.oas.server_sections import (
    AUTHENTICATION,
    LIFETIME,
    SERVER,
    SOURCES_BY_SECTION,
    auth_sources,
    handlers_to_classic,
)
from sluicegate.apidef.oas.targets import put_targets
from sluicegate.apidef.oas.upstream_sections import INFO, UPSTREAM

NOTHING = APIDefinition()
SECTIONS = (*INFO, *UPSTREAM, *SERVER, *AUTHENTICATION, *GLOBAL)


def extract(document: dict[str, Any], base: APIDefinition = NOTHING, source: str = "") -> APIDefinition:
    """Return the definition that a document makes of another: what the extension knows nothing of stays as it was.

    Raises ConfigError when the extension has a field of the wrong type.
    """
    extension = extension_of(document, source)
    said: Tree = modern(writer_of(XTykAPIGateway)(extension))
    classic: Tree = writer_of(APIDefinition)(base)
    versions = classic["version_data"].get("versions") or {}
    classic["version"] = dict(versions.get("") or {})
    _put_sections(said, classic, SECTIONS)
    for place, name in SOURCES_BY_SECTION.items():
        if get(said, place) is not None:
            _put_sections(said, classic, auth_sources(place, name))
    put(classic, "event_handlers.events", handlers_to_classic(get(said, "server.eventHandlers")))
    if not get(said, f"{LIFETIME}.enabled"):
        put(classic, "session_lifetime", 0)
    proxy = extension.upstream.proxy
    put(classic, "proxy.transport.proxy_url", proxy.url if proxy is not None and proxy.enabled else "")
    put_targets(extension, classic)
    put_security(document, extension, classic)
    main: Tree = classic.pop("version")
    main["use_extended_paths"] = True
    main["extended_paths"] = extended_paths(document, extension)
    if not versions:
        classic["version_data"]["not_versioned"] = True
    classic["version_data"]["versions"] = {**versions, "": main}
    classic["is_oas"] = True
    return convert(classic, APIDefinition, source)


def modern(said: Tree) -> Tree:
    """Return the extension's tree with what older documents say put where newer ones say it."""
    for place in ("upstream.serviceDiscovery", "upstream.uptimeTests.serviceDiscovery"):
        discovery = get(said, place)
        if discovery is not None and discovery.get("cacheTimeout") and "cache" not in discovery:
            discovery["cache"] = {"enabled": True, "timeout": discovery["cacheTimeout"]}
    common = get(said, "middleware.global")
    if common is not None:
        for old in ("prePlugin", "postAuthenticationPlugin", "postPlugin", "responsePlugin"):
            plugins = get(common, f"{old}.plugins")
            if plugins and not common.get(f"{old}s"):
                common[f"{old}s"] = plugins
    return said


def _put_sections(said: Tree, classic: Tree, sections: Iterable[Section]) -> None:
    for section in sections:
        if section.only_if_said and get(said, section.oas) is None:
            continue
        for field in fields_of(section):
            put(classic, field.classic, field.kind.to_classic(get(said, field.oas)))
