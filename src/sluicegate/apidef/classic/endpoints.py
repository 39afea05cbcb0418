"""What a classic definition asks for single endpoints: `extended_paths` (contract 02.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.gotypes import NIL_MAP, NO_TIME, Duration, GoStruct, Int64, Omit


class CacheMeta(GoStruct, frozen=True):
    """At `extended_paths.advance_cache_config[]`."""

    disabled: bool = False
    method: str = ""
    path: str = ""
    cache_key_regex: str = ""
    cache_response_codes: Sequence[int] = ()
    timeout: Int64 = 0


class CircuitBreakerMeta(GoStruct, frozen=True):
    """At `extended_paths.circuit_breakers[]`."""

    disabled: bool = False
    path: str = ""
    method: str = ""
    threshold_percent: float = 0.0
    samples: Int64 = 0
    return_to_service_after: int = 0
    disable_half_open_state: bool = False


class EndpointMethodMeta(GoStruct, frozen=True):
    """At `extended_paths.ignored[].method_actions{}`."""

    action: str = ""
    code: int = 0
    data: str = ""
    headers: Mapping[str, str] = NIL_MAP


class EndPointMeta(GoStruct, frozen=True):
    """At `extended_paths.ignored[]`."""

    disabled: bool = False
    path: str = ""
    method: str = ""
    ignore_case: bool = False
    method_actions: Omit[Mapping[str, EndpointMethodMeta]] = NIL_MAP


class GoPluginMeta(GoStruct, frozen=True):
    """At `extended_paths.go_plugin[]`."""

    disabled: bool = False
    path: str = ""
    method: str = ""
    plugin_path: str = ""
    func_name: str = ""


class HardTimeoutMeta(GoStruct, frozen=True):
    """At `extended_paths.hard_timeouts[]`."""

    disabled: bool = False
    path: str = ""
    method: str = ""
    timeout: int = 0
    duration: Omit[Duration] = NO_TIME


class HeaderInjectionMeta(GoStruct, frozen=True):
    """At `extended_paths.transform_headers[]`."""

    disabled: bool = False
    delete_headers: Sequence[str] = ()
    add_headers: Mapping[str, str] = NIL_MAP
    path: str = ""
    method: str = ""
    act_on: bool = False


class InternalMeta(GoStruct, frozen=True):
    """At `extended_paths.internal[]`."""

    disabled: bool = False
    path: str = ""
    method: str = ""


class MethodTransformMeta(GoStruct, frozen=True):
    """At `extended_paths.method_transforms[]`."""

    disabled: bool = False
    path: str = ""
    method: str = ""
    to_method: str = ""


class MockResponseMeta(GoStruct, frozen=True):
    """At `extended_paths.mock_response[]`."""

    disabled: bool = False
    path: str = ""
    method: str = ""
    ignore_case: bool = False
    code: int = 0
    body: str = ""
    headers: Mapping[str, str] = NIL_MAP


class PersistGraphQLMeta(GoStruct, frozen=True):
    """At `extended_paths.persist_graphql[]`."""

    path: str = ""
    method: str = ""
    operation: str = ""
    variables: Mapping[str, Any] = NIL_MAP


class RateLimitMeta(GoStruct, frozen=True):
    """At `extended_paths.rate_limit[]`."""

    disabled: bool = False
    path: str = ""
    method: str = ""
    rate: float = 0.0
    per: float = 0.0


class RequestSizeMeta(GoStruct, frozen=True):
    """At `extended_paths.size_limits[]`."""

    disabled: bool = False
    path: str = ""
    method: str = ""
    size_limit: Int64 = 0


class TemplateData(GoStruct, frozen=True):
    """At `extended_paths.transform[].template_data`."""

    input_type: str = ""
    template_mode: str = ""
    enable_session: bool = False
    template_source: str = ""


class TemplateMeta(GoStruct, frozen=True):
    """At `extended_paths.transform[]`."""

    disabled: bool = False
    template_data: TemplateData = TemplateData()
    path: str = ""
    method: str = ""


class TrackEndpointMeta(GoStruct, frozen=True):
    """At `extended_paths.track_endpoints[]`."""

    disabled: bool = False
    path: str = ""
    method: str = ""


class TransformJQMeta(GoStruct, frozen=True):
    """At `extended_paths.transform_jq[]`."""

    filter: str = ""
    path: str = ""
    method: str = ""


class StringRegexMap(GoStruct, frozen=True):
    """At `extended_paths.url_rewrites[].triggers[].options.header_matches{}[]`."""

    match_rx: str = ""
    reverse: bool = False


class RoutingTriggerOptions(GoStruct, frozen=True):
    """At `extended_paths.url_rewrites[].triggers[].options`."""

    header_matches: Mapping[str, StringRegexMap] = NIL_MAP
    query_val_matches: Mapping[str, StringRegexMap] = NIL_MAP
    path_part_matches: Mapping[str, StringRegexMap] = NIL_MAP
    session_meta_matches: Mapping[str, StringRegexMap] = NIL_MAP
    request_context_matches: Mapping[str, StringRegexMap] = NIL_MAP
    payload_matches: StringRegexMap = StringRegexMap()


class RoutingTrigger(GoStruct, frozen=True):
    """At `extended_paths.url_rewrites[].triggers[]`."""

    on: str = ""
    options: RoutingTriggerOptions = RoutingTriggerOptions()
    rewrite_to: str = ""


class URLRewriteMeta(GoStruct, frozen=True):
    """At `extended_paths.url_rewrites[]`."""

    disabled: bool = False
    path: str = ""
    method: str = ""
    match_pattern: str = ""
    rewrite_to: str = ""
    triggers: Sequence[RoutingTrigger] = ()


class ValidatePathMeta(GoStruct, frozen=True):
    """At `extended_paths.validate_json[]`."""

    disabled: bool = False
    path: str = ""
    method: str = ""
    schema: Mapping[str, Any] = NIL_MAP
    schema_b64: Omit[str] = ""
    error_response_code: int = 0


class ValidateRequestMeta(GoStruct, frozen=True):
    """At `extended_paths.validate_request[]`."""

    enabled: bool = False
    path: str = ""
    method: str = ""
    error_response_code: int = 0


class VirtualMeta(GoStruct, frozen=True):
    """At `extended_paths.virtual[]`."""

    disabled: bool = False
    response_function_name: str = ""
    function_source_type: str = ""
    function_source_uri: str = ""
    path: str = ""
    method: str = ""
    use_session: bool = False
    proxy_on_error: bool = False


class ExtendedPaths(GoStruct, frozen=True):
    """What is asked for single endpoints of a version, in lists by middleware: at `extended_paths`."""

    ignored: Omit[Sequence[EndPointMeta]] = ()
    white_list: Omit[Sequence[EndPointMeta]] = ()
    black_list: Omit[Sequence[EndPointMeta]] = ()
    mock_response: Omit[Sequence[MockResponseMeta]] = ()
    cache: Omit[Sequence[str]] = ()
    advance_cache_config: Omit[Sequence[CacheMeta]] = ()
    transform: Omit[Sequence[TemplateMeta]] = ()
    transform_response: Omit[Sequence[TemplateMeta]] = ()
    transform_jq: Omit[Sequence[TransformJQMeta]] = ()
    transform_jq_response: Omit[Sequence[TransformJQMeta]] = ()
    transform_headers: Omit[Sequence[HeaderInjectionMeta]] = ()
    transform_response_headers: Omit[Sequence[HeaderInjectionMeta]] = ()
    hard_timeouts: Omit[Sequence[HardTimeoutMeta]] = ()
    circuit_breakers: Omit[Sequence[CircuitBreakerMeta]] = ()
    url_rewrites: Omit[Sequence[URLRewriteMeta]] = ()
    virtual: Omit[Sequence[VirtualMeta]] = ()
    size_limits: Omit[Sequence[RequestSizeMeta]] = ()
    method_transforms: Omit[Sequence[MethodTransformMeta]] = ()
    track_endpoints: Omit[Sequence[TrackEndpointMeta]] = ()
    do_not_track_endpoints: Omit[Sequence[TrackEndpointMeta]] = ()
    validate_json: Omit[Sequence[ValidatePathMeta]] = ()
    validate_request: Omit[Sequence[ValidateRequestMeta]] = ()
    internal: Omit[Sequence[InternalMeta]] = ()
    go_plugin: Omit[Sequence[GoPluginMeta]] = ()
    persist_graphql: Sequence[PersistGraphQLMeta] = ()
    rate_limit: Sequence[RateLimitMeta] = ()
