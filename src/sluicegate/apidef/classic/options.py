"""Smaller objects of a classic definition (contract 02.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.gotypes import NIL_MAP, GoStruct, Int64, Omit


class CacheOptions(GoStruct, frozen=True):
    """At `cache_options`."""

    cache_timeout: Int64 = 0
    enable_cache: bool = False
    cache_all_safe_requests: bool = False
    cache_response_codes: Sequence[int] = ()
    enable_upstream_cache_control: bool = False
    cache_control_ttl_header: str = ""
    cache_by_headers: Sequence[str] = ()


class CORSConfig(GoStruct, frozen=True):
    """At `CORS`."""

    enable: bool = False
    allowed_origins: Sequence[str] = ()
    allowed_methods: Sequence[str] = ()
    allowed_headers: Sequence[str] = ()
    exposed_headers: Sequence[str] = ()
    allow_credentials: bool = False
    max_age: int = 0
    options_passthrough: bool = False
    debug: bool = False


class GlobalRateLimit(GoStruct, frozen=True):
    """At `global_rate_limit`."""

    disabled: bool = False
    rate: float = 0.0
    per: float = 0.0


class ResponseProcessor(GoStruct, frozen=True):
    """At `response_processors[]`."""

    name: str = ""
    options: Any = None


class ErrorMatcher(GoStruct, frozen=True):
    """At `error_overrides[].match`."""

    flag: Omit[str] = ""
    message_pattern: Omit[str] = ""
    body_field: Omit[str] = ""
    body_value: Omit[str] = ""


class ErrorResponse(GoStruct, frozen=True):
    """At `error_overrides[].response`."""

    status_code: int = 0
    body: Omit[str] = ""
    message: Omit[str] = ""
    template: Omit[str] = ""
    headers: Omit[Mapping[str, str]] = NIL_MAP


class ErrorOverride(GoStruct, frozen=True):
    """At `error_overrides[]`."""

    match: Omit[ErrorMatcher | None] = None
    response: ErrorResponse = ErrorResponse()
