"""Answers in the place of errors: `x-tyk-api-gateway.errorOverrides` (contract 02.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sluicegate.apidef.gotypes import NIL_MAP, GoStruct, Omit


class ErrorMatcher(GoStruct, frozen=True):
    """At `errorOverrides.value{}.match`."""

    flag: Omit[str] = ""
    messagePattern: Omit[str] = ""
    bodyField: Omit[str] = ""
    bodyValue: Omit[str] = ""


class ErrorResponse(GoStruct, frozen=True):
    """At `errorOverrides.value{}.response`."""

    statusCode: int = 0
    body: Omit[str] = ""
    message: Omit[str] = ""
    template: Omit[str] = ""
    headers: Omit[Mapping[str, str]] = NIL_MAP


class ErrorOverride(GoStruct, frozen=True):
    """At `errorOverrides.value{}`."""

    match: Omit[ErrorMatcher | None] = None
    response: ErrorResponse = ErrorResponse()


class ErrorOverrides(GoStruct, frozen=True):
    """At `errorOverrides`."""

    enabled: bool = False  # error_overrides_disabled
    value: Omit[Mapping[str, Sequence[ErrorOverride]]] = NIL_MAP
