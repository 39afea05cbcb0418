"""What is done with requests of one operation: `x-tyk-api-gateway.middleware.operations{}` (contract 02.8)."""

from __future__ import annotations

from collections.abc import Sequence

from sluicegate.apidef.gotypes import NO_TIME, Duration, GoStruct, Int64, Omit
from sluicegate.apidef.oas.schemes import OAuth2Exchange


class ScopeCheck(GoStruct, frozen=True):
    """At `middleware.operations{}.scopeCheck`."""

    enabled: bool = False


class Header(GoStruct, frozen=True):
    """A header and its value, wherever headers are listed."""

    name: str = ""
    value: str = ""


class TransformHeaders(GoStruct, frozen=True):
    """Headers to take out and to add: at `transformRequestHeaders` and `transformResponseHeaders`."""

    enabled: bool = False  # extended_paths.transform_headers[].disabled
    remove: Omit[Sequence[str]] = ()  # extended_paths.transform_headers[].delete_headers
    add: Omit[Sequence[Header]] = ()  # extended_paths.transform_headers[].add_headers


class Allowance(GoStruct, frozen=True):
    """At `middleware.operations{}.allow`."""

    enabled: bool = False
    ignoreCase: Omit[bool] = False


class CachePlugin(GoStruct, frozen=True):
    """At `middleware.operations{}.cache`."""

    enabled: bool = False  # extended_paths.advance_cache_config[].disabled
    cacheByRegex: Omit[str] = ""  # extended_paths.advance_cache_config[].cache_key_regex
    cacheResponseCodes: Omit[Sequence[int]] = ()  # extended_paths.advance_cache_config[].cache_response_codes
    timeout: Omit[Int64] = 0  # extended_paths.advance_cache_config[].timeout


class CircuitBreaker(GoStruct, frozen=True):
    """At `middleware.operations{}.circuitBreaker`."""

    enabled: bool = False  # extended_paths.circuit_breakers[*].disabled
    threshold: float = 0.0  # extended_paths.circuit_breakers[*].threshold_percent
    sampleSize: int = 0  # extended_paths.circuit_breakers[*].samples
    coolDownPeriod: int = 0  # extended_paths.circuit_breakers[*].return_to_service_after
    halfOpenStateEnabled: bool = False  # extended_paths.circuit_breakers[*].disable_half_open_state


class EndpointPostPlugin(GoStruct, frozen=True):
    """At `middleware.operations{}.postPlugins[]`."""

    enabled: bool = False  # extended_paths.go_plugin.disabled
    name: Omit[str] = ""
    functionName: str = ""  # extended_paths.go_plugin.symbol_name
    path: str = ""  # extended_paths.go_plugin.plugin_path


class EnforceTimeout(GoStruct, frozen=True):
    """At `middleware.operations{}.enforceTimeout`."""

    enabled: bool = False  # version_data.versions.{version-name}.extended_paths.hard_timeouts[].disabled
    value: int = 0  # version_data.versions.{version-name}.extended_paths.hard_timeouts[].timeout
    duration: Omit[Duration] = NO_TIME  # version_data.versions.{version-name}.extended_paths.hard_timeouts[].duration


class Internal(GoStruct, frozen=True):
    """At `middleware.operations{}.internal`."""

    enabled: bool = False


class FromOASExamples(GoStruct, frozen=True):
    """At `middleware.operations{}.mockResponse.fromOASExamples`."""

    enabled: bool = False
    code: Omit[int] = 0
    contentType: Omit[str] = ""
    exampleName: Omit[str] = ""


class MockResponse(GoStruct, frozen=True):
    """At `middleware.operations{}.mockResponse`."""

    enabled: bool = False
    code: Omit[int] = 0
    body: Omit[str] = ""
    headers: Omit[Sequence[Header]] = ()
    fromOASExamples: Omit[FromOASExamples | None] = None


class RateLimitEndpoint(GoStruct, frozen=True):
    """At `middleware.operations{}.rateLimit`."""

    enabled: bool = False  # not disable_rate_limit
    rate: int = 0  # global_rate_limit.rate
    per: Duration = NO_TIME  # global_rate_limit.per


class RequestSizeLimit(GoStruct, frozen=True):
    """At `middleware.operations{}.requestSizeLimit`."""

    enabled: bool = False  # extended_paths.size_limits[].disabled
    value: Int64 = 0  # extended_paths.size_limits[].size_limit


class TrackEndpoint(GoStruct, frozen=True):
    """At `middleware.operations{}.trackEndpoint`."""

    enabled: bool = False


class TransformBody(GoStruct, frozen=True):
    """At `middleware.operations{}.transformRequestBody`."""

    enabled: bool = False  # extended_paths.transform[].disabled
    format: str = ""  # extended_paths.transform[].template_data.input_type
    path: Omit[str] = ""  # extended_paths.transform[].template_data.template_source, template_data.template_mode, file
    body: Omit[str] = ""  # extended_paths.transform[].template_data.template_source, template_data.template_mode, blob


class TransformRequestMethod(GoStruct, frozen=True):
    """At `middleware.operations{}.transformRequestMethod`."""

    enabled: bool = False
    toMethod: str = ""


class URLRewriteRule(GoStruct, frozen=True, rename={"in_": "in"}):
    """At `middleware.operations{}.urlRewrite.triggers[].rules[]`."""

    in_: str = ""
    name: Omit[str] = ""
    pattern: str = ""
    negate: Omit[bool] = False


class URLRewriteTrigger(GoStruct, frozen=True):
    """At `middleware.operations{}.urlRewrite.triggers[]`."""

    condition: str = ""
    rules: Omit[Sequence[URLRewriteRule]] = ()
    rewriteTo: str = ""


class URLRewrite(GoStruct, frozen=True):
    """At `middleware.operations{}.urlRewrite`."""

    enabled: bool = False
    pattern: Omit[str] = ""
    rewriteTo: Omit[str] = ""
    triggers: Omit[Sequence[URLRewriteTrigger]] = ()


class ValidateRequest(GoStruct, frozen=True):
    """At `middleware.operations{}.validateRequest`."""

    enabled: bool = False
    errorResponseCode: Omit[int] = 0


class VirtualEndpoint(GoStruct, frozen=True):
    """At `middleware.operations{}.virtualEndpoint`."""

    enabled: bool = False  # virtual.disabled
    name: Omit[str] = ""
    functionName: str = ""  # virtual.response_function_name
    path: Omit[str] = ""  # virtual.function_source_uri, virtual.function_source_type, file
    body: Omit[str] = ""  # virtual.function_source_uri, virtual.function_source_type, blob
    proxyOnError: Omit[bool] = False  # virtual.proxy_on_error
    requireSession: Omit[bool] = False  # virtual.use_session


class Operation(GoStruct, frozen=True):
    """What is asked for one operation: at `middleware.operations{}`, by operation id."""

    allow: Omit[Allowance | None] = None
    block: Omit[Allowance | None] = None
    ignoreAuthentication: Omit[Allowance | None] = None  # extended_paths.ignored[]
    internal: Omit[Internal | None] = None
    transformRequestMethod: Omit[TransformRequestMethod | None] = None
    transformRequestBody: Omit[TransformBody | None] = None
    transformResponseBody: Omit[TransformBody | None] = None
    transformRequestHeaders: Omit[TransformHeaders | None] = None
    transformResponseHeaders: Omit[TransformHeaders | None] = None
    urlRewrite: Omit[URLRewrite | None] = None
    cache: Omit[CachePlugin | None] = None
    enforceTimeout: Omit[EnforceTimeout | None] = None
    validateRequest: Omit[ValidateRequest | None] = None
    mockResponse: Omit[MockResponse | None] = None
    virtualEndpoint: Omit[VirtualEndpoint | None] = None
    postPlugins: Omit[Sequence[EndpointPostPlugin]] = ()
    circuitBreaker: Omit[CircuitBreaker | None] = None
    trackEndpoint: Omit[TrackEndpoint | None] = None
    doNotTrackEndpoint: Omit[TrackEndpoint | None] = None
    requestSizeLimit: Omit[RequestSizeLimit | None] = None
    rateLimit: Omit[RateLimitEndpoint | None] = None
    scopeCheck: Omit[ScopeCheck | None] = None
    exchange: Omit[OAuth2Exchange | None] = None
