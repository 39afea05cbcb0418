"""From a classic definition back to its OpenAPI document (Tyk's Fill): what GET answers for an OAS API (contract 02.8).

The definition in force counts: a listen path that was changed to keep it apart shows. Operations and security schemes
are kept in the document as they are, since only there they stand whole. Sections that say nothing are left out.
"""

from __future__ import annotations

from typing import Any

from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.gojson import convert
from sluicegate.apidef.gowriters import Ordered, writer_of
from sluicegate.apidef.oas.document import EXTENSION, extension_of
from sluicegate.apidef.oas.extract import SECTIONS, modern
from sluicegate.apidef.oas.gateway import XTykAPIGateway
from sluicegate.apidef.oas.mapping import Tree, fields_of, get, is_zero, put
from sluicegate.apidef.oas.server_sections import LIFETIME
from sluicegate.apidef.oas.targets import targets_of

ONLY_WITH_CONTENT = {
    "upstream.serviceDiscovery.cache": ("timeout",),
    "upstream.uptimeTests.serviceDiscovery.cache": ("timeout",),
    "upstream.uptimeTests": ("tests", "hostDownRetestPeriod", "logRetentionPeriod", "serviceDiscovery"),
    "middleware.global.requestSizeLimit": ("value",),
}
"""Sections that are left out, whatever else they say, unless one of these fields says something."""

KEPT = ("info", "info.state", "upstream", "server", "server.listenPath")
"""Sections that are there even if they say nothing."""


def fill(document: dict[str, Any], definition: APIDefinition) -> dict[str, Any]:
    """Return the document with its extension as the definition has it. Raises ConfigError for a broken extension."""
    said: Tree = modern(writer_of(XTykAPIGateway)(extension_of(document)))
    classic: Tree = writer_of(APIDefinition)(definition)
    versions = classic["version_data"].get("versions") or {}
    classic["version"] = versions.get("") or {}
    for section in SECTIONS:
        if section.only_if_said and is_zero(get(classic, section.classic)):
            continue
        for field in fields_of(section):
            put(said, field.oas, field.kind.to_oas(get(classic, field.classic)))
    put(said, f"{LIFETIME}.enabled", definition.session_lifetime != 0)
    url = definition.proxy.transport.proxy_url
    put(said, "upstream.proxy", {"enabled": True, "url": url} if url else None)
    put(said, "upstream.loadBalancing", targets_of(classic))
    _leave_out(said)
    extension = convert(said, XTykAPIGateway)
    return {"components": {}, **document, EXTENSION: Ordered(writer_of(XTykAPIGateway)(extension))}


def _leave_out(said: Tree) -> None:
    """Take out the sections that say nothing, the innermost first."""
    places = {section.oas for section in SECTIONS} | {"middleware", "middleware.global"}
    for place in list(places):
        while "." in place:
            place = place.rpartition(".")[0]
            places.add(place)
    for place in sorted(places, key=lambda one: -one.count(".")):
        if place in KEPT:
            continue
        value = get(said, place)
        content = ONLY_WITH_CONTENT.get(place)
        if is_zero(value) or (content and is_zero({name: value.get(name) for name in content})):
            outer, _, last = place.rpartition(".")
            parent = get(said, outer) if outer else said
            if isinstance(parent, dict):
                parent.pop(last, None)
