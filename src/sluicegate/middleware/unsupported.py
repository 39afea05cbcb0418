"""What a definition asks for and this version does not do yet.

Whatever would change answers or weaken security if it were skipped in silence keeps the API from being served, by name;
what only looks on is warned of. Kinds of authentication that are not served are refused by `auth_token`. When a feature
lands, its line here goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sluicegate.apidef.oas.security import COMPLIANT
from sluicegate.chain.error_overrides import Overrides
from sluicegate.errors import ConfigError

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import APIDefinition, ExtendedPaths

BY_ENDPOINT = {
    "transform": "request body transforms",
    "transform_response": "response body transforms",
    "transform_jq": "JQ request transforms",
    "transform_jq_response": "JQ response transforms",
    "virtual": "virtual endpoints",
    "validate_json": "JSON validation",
    "go_plugin": "Go plugins of endpoints",
    "persist_graphql": "persisted GraphQL operations",
}
BY_OAS_OPERATION = {
    "validateRequest": "request validation",
    "virtualEndpoint": "virtual endpoints",
    "transformRequestBody": "request body transforms",
    "transformResponseBody": "response body transforms",
    "scopeCheck": "scope checks",
    "exchange": "token exchange",
}
BY_OAS_SCHEME = {"scopeCheck": "scope checks", "tokenExchange": "token exchange"}
HOOKS = {"pre": "plugins", "post_key_auth": "plugins", "post": "plugins", "response": "response plugins"}
PROCESSORS = {
    "response_body_transform_jq": "JQ response transforms",
    "header_transform": "rewriting of response headers",
    "custom_mw_res_hook": "response plugins",
    "goplugin_res_hook": "response plugins",
}
SERVED_PROCESSORS = ("header_injector", "response_body_transform")
"""The second is in every chain of Tyk; it does what `transform_response` asks for."""


def not_served_yet(api: Api) -> list[str]:
    """Return in words what the API asks for and will not get, though it is served.

    Raises ConfigError naming all it asks for that it cannot be served without.
    """
    classic = api.classic
    needed = [*_of_api(classic), *_of_plugins(classic), *_of_upstream(classic), *_of_document(api.oas)]
    needed += _of_requirements(api)
    for version in classic.version_data.versions.values():
        if version.use_extended_paths:
            needed += _of_endpoints(version.extended_paths)
    if needed:
        named = ", ".join(dict.fromkeys(needed))
        raise ConfigError(api.source, f"not served yet: {named}", "the API is not served while it asks for it")
    Overrides(classic.error_overrides, "error_overrides")
    return [*_looking_on(classic), *_beside(api.oas)]


def _of_api(classic: APIDefinition) -> Iterator[str]:
    if classic.graphql.enabled:
        yield "GraphQL (graphql.enabled)"
    if classic.application_protocol or classic.json_rpc_version:
        yield "MCP proxies (application_protocol, json_rpc_version)"
    if classic.request_signing.is_enabled:
        yield "request signing (request_signing.is_enabled)"
    for processor in classic.response_processors:
        if processor.name in PROCESSORS:
            yield f"{PROCESSORS[processor.name]} (response_processors: {processor.name})"


def _of_plugins(classic: APIDefinition) -> Iterator[str]:
    plugins = classic.custom_middleware
    for field, text in HOOKS.items():
        if any(not one.disabled for one in getattr(plugins, field)):
            yield f"{text} (custom_middleware.{field})"
    if classic.custom_middleware_bundle and not classic.custom_middleware_bundle_disabled:
        yield "plugin bundles (custom_middleware_bundle)"


def _of_upstream(classic: APIDefinition) -> Iterator[str]:
    if classic.upstream_auth.enabled:
        yield "authentication towards the upstream (upstream_auth.enabled)"
    if classic.proxy.service_discovery.use_discovery_service:
        yield "service discovery (proxy.service_discovery)"
    if classic.proxy.transport.proxy_url:
        yield "proxies on the way to the upstream (proxy.transport.proxy_url)"


def _of_endpoints(paths: ExtendedPaths) -> Iterator[str]:
    for field, text in BY_ENDPOINT.items():
        if any(not getattr(one, "disabled", False) for one in getattr(paths, field)):
            yield f"{text} (extended_paths.{field})"
    if any(one.enabled for one in paths.validate_request):
        yield "request validation (extended_paths.validate_request)"


def _of_document(document: dict[str, Any] | None) -> Iterator[str]:
    if document is None:
        return
    if document.get("x-tyk-streaming"):
        yield "streams (x-tyk-streaming)"
    authentication = _section(document, "server", "authentication")
    schemes = _section(document, "server", "authentication", "securitySchemes") if authentication.get("enabled") else {}
    for name, scheme in schemes.items():
        for field, text in BY_OAS_SCHEME.items():
            asked = scheme.get(field) if isinstance(scheme, dict) and scheme.get("enabled") else None
            if isinstance(asked, dict) and asked.get("enabled"):
                yield f"{text} (securitySchemes.{name}.{field})"
    for operation in _operations(document):
        for field, text in BY_OAS_OPERATION.items():
            asked = operation.get(field)
            if isinstance(asked, dict) and asked.get("enabled"):
                yield f"{text} ({field})"
        if any(isinstance(one, dict) and one.get("enabled") for one in operation.get("postPlugins") or ()):
            yield "Go plugins of endpoints (postPlugins)"


def _of_requirements(api: Api) -> Iterator[str]:
    mode = _section(api.oas or {}, "server", "authentication").get("securityProcessingMode")
    if mode == COMPLIANT and len(api.classic.security_requirements) > 1 and not api.classic.use_keyless:
        yield "a choice of several security requirements (securityProcessingMode: compliant)"


def _operations(document: dict[str, Any]) -> Iterable[dict[str, Any]]:
    found = _section(document, "middleware", "operations")
    return [one for one in found.values() if isinstance(one, dict)]


def _section(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a part of the extension; an empty one where there is none."""
    found: Any = document
    for name in ("x-tyk-api-gateway", *names):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _beside(document: dict[str, Any] | None) -> Iterator[str]:
    authentication = _section(document or {}, "server", "authentication")
    schemes = _section(document or {}, "server", "authentication", "securitySchemes")
    for place in (authentication, *schemes.values()):
        asked = place.get("protectedResourceMetadata") if isinstance(place, dict) else None
        if isinstance(asked, dict) and asked.get("enabled"):
            yield "metadata of protected resources (protectedResourceMetadata)"


def _looking_on(classic: APIDefinition) -> Iterator[str]:
    if any(classic.event_handlers.events.values()):
        yield "event handlers (event_handlers)"
    if classic.analytics_plugin.enable:
        yield "analytics plugins (analytics_plugin)"
    if classic.detailed_tracing:
        yield "detailed tracing (detailed_tracing)"
    if classic.enable_batch_request_support:
        yield "batch requests (enable_batch_request_support)"
    for processor in classic.response_processors:
        if processor.name not in PROCESSORS and processor.name not in SERVED_PROCESSORS:
            yield f"an unknown response processor ({processor.name})"
