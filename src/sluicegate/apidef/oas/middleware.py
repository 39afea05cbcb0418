"""What is done with every request: `x-tyk-api-gateway.middleware` (contract 02.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.gotypes import NIL_MAP, NO_TIME, Duration, GoStruct, Int64, Omit
from sluicegate.apidef.oas.operation import Operation, TransformHeaders


class CORS(GoStruct, frozen=True):
    """At `middleware.global.cors`."""

    enabled: bool = False  # CORS.enable
    maxAge: Omit[int] = 0  # CORS.max_age
    allowCredentials: Omit[bool] = False  # CORS.allow_credentials
    exposedHeaders: Omit[Sequence[str]] = ()  # CORS.exposed_headers
    allowedHeaders: Omit[Sequence[str]] = ()  # CORS.allowed_headers
    optionsPassthrough: Omit[bool] = False  # CORS.options_passthrough
    debug: Omit[bool] = False  # CORS.debug
    allowedOrigins: Omit[Sequence[str]] = ()  # CORS.allowed_origins
    allowedMethods: Omit[Sequence[str]] = ()  # CORS.allowed_methods


class Cache(GoStruct, frozen=True):
    """At `middleware.global.cache`."""

    enabled: bool = False  # cache_options.enable_cache
    timeout: Omit[Int64] = 0  # cache_options.cache_timeout
    cacheAllSafeRequests: Omit[bool] = False  # cache_options.cache_all_safe_requests
    cacheResponseCodes: Omit[Sequence[int]] = ()  # cache_options.cache_response_codes
    cacheByHeaders: Omit[Sequence[str]] = ()  # cache_options.cache_by_headers
    enableUpstreamCacheControl: Omit[bool] = False  # cache_options.enable_upstream_cache_control
    controlTTLHeaderName: Omit[str] = ""  # cache_options.cache_control_ttl_header


class ContextVariables(GoStruct, frozen=True):
    """At `middleware.global.contextVariables`."""

    enabled: bool = False  # enable_context_vars


class CustomPlugin(GoStruct, frozen=True):
    """At `middleware.global.prePlugins[]`."""

    enabled: bool = False
    functionName: str = ""
    path: str = ""
    code: Omit[str] = ""
    rawBodyOnly: Omit[bool] = False
    requireSession: Omit[bool] = False


class GlobalRequestSizeLimit(GoStruct, frozen=True):
    """At `middleware.global.requestSizeLimit`."""

    enabled: bool = False  # version.global_size_limit_disabled
    value: Int64 = 0  # version.global_size_limit


class IgnoreCase(GoStruct, frozen=True):
    """At `middleware.global.ignoreCase`."""

    enabled: bool = False  # version.ignore_endpoint_case


class PluginBundle(GoStruct, frozen=True):
    """At `middleware.global.pluginConfig.bundle`."""

    enabled: bool = False  # custom_middleware_bundle_disabled
    path: str = ""


class PluginConfigData(GoStruct, frozen=True):
    """At `middleware.global.pluginConfig.data`."""

    enabled: bool = False  # config_data_disabled
    value: Mapping[str, Any] = NIL_MAP  # config_data


class PluginConfig(GoStruct, frozen=True):
    """At `middleware.global.pluginConfig`."""

    driver: Omit[str] = ""  # custom_middleware.driver
    bundle: Omit[PluginBundle | None] = None
    data: Omit[PluginConfigData | None] = None


class PostAuthenticationPlugin(GoStruct, frozen=True):
    """At `middleware.global.postAuthenticationPlugin`."""

    plugins: Omit[Sequence[CustomPlugin]] = ()


class PostPlugin(GoStruct, frozen=True):
    """At `middleware.global.postPlugin`."""

    plugins: Omit[Sequence[CustomPlugin]] = ()


class PrePlugin(GoStruct, frozen=True):
    """At `middleware.global.prePlugin`."""

    plugins: Omit[Sequence[CustomPlugin]] = ()


class ResponsePlugin(GoStruct, frozen=True):
    """At `middleware.global.responsePlugin`."""

    plugins: Omit[Sequence[CustomPlugin]] = ()


class TrafficLogs(GoStruct, frozen=True):
    """At `middleware.global.trafficLogs`."""

    enabled: bool = False  # do_not_track
    tagHeaders: Omit[Sequence[str]] = ()
    customRetentionPeriod: Omit[Duration] = NO_TIME
    plugins: Omit[Sequence[CustomPlugin]] = ()


class Global(GoStruct, frozen=True):
    """At `middleware.global`."""

    pluginConfig: Omit[PluginConfig | None] = None
    cors: Omit[CORS | None] = None  # CORS
    prePlugin: Omit[PrePlugin | None] = None
    prePlugins: Omit[Sequence[CustomPlugin]] = ()  # custom_middleware.pre
    postAuthenticationPlugin: Omit[PostAuthenticationPlugin | None] = None
    postAuthenticationPlugins: Omit[Sequence[CustomPlugin]] = ()  # custom_middleware.post_key_auth
    postPlugin: Omit[PostPlugin | None] = None
    postPlugins: Omit[Sequence[CustomPlugin]] = ()  # custom_middleware.post
    responsePlugin: Omit[ResponsePlugin | None] = None
    responsePlugins: Omit[Sequence[CustomPlugin]] = ()  # custom_middleware.response
    cache: Omit[Cache | None] = None  # cache_options
    transformRequestHeaders: Omit[TransformHeaders | None] = None  # global_headers, global_headers_remove
    transformResponseHeaders: Omit[TransformHeaders | None] = None
    contextVariables: Omit[ContextVariables | None] = None
    trafficLogs: Omit[TrafficLogs | None] = None
    requestSizeLimit: Omit[GlobalRequestSizeLimit | None] = None
    ignoreCase: Omit[IgnoreCase | None] = None
    skipRateLimit: Omit[bool] = False  # disable_rate_limit
    skipQuota: Omit[bool] = False  # disable_quota
    skipQuotaReset: Omit[bool] = False  # dont_set_quota_on_create


class MCPPrimitive(Operation, frozen=True):
    """A tool, resource or prompt of an MCP server: at `middleware.mcpTools{}`, `mcpResources{}`, `mcpPrompts{}`."""

    security: Omit[Sequence[Mapping[str, Sequence[str]]]] = ()


class Middleware(GoStruct, frozen=True, rename={"global_": "global"}):
    """At `middleware`."""

    global_: Omit[Global | None] = None
    operations: Omit[Mapping[str, Operation]] = NIL_MAP
    mcpTools: Omit[Mapping[str, MCPPrimitive]] = NIL_MAP
    mcpResources: Omit[Mapping[str, MCPPrimitive]] = NIL_MAP
    mcpPrompts: Omit[Mapping[str, MCPPrimitive]] = NIL_MAP
