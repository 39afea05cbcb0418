"""Versions of an API in a classic definition (contract 02.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sluicegate.apidef.classic.endpoints import ExtendedPaths
from sluicegate.apidef.gotypes import NIL_MAP, NO_TIME, Duration, GoStruct, Int64


class VersionDefinition(GoStruct, frozen=True):
    """At `definition`."""

    enabled: bool = False
    name: str = ""
    default: str = ""
    location: str = ""
    key: str = ""
    strip_path: bool = False
    strip_versioning_data: bool = False
    url_versioning_pattern: str = ""
    fallback_to_default: bool = False
    versions: Mapping[str, str] = NIL_MAP


class VersionPaths(GoStruct, frozen=True):
    """At `paths`."""

    ignored: Sequence[str] = ()
    white_list: Sequence[str] = ()
    black_list: Sequence[str] = ()


class VersionInfo(GoStruct, frozen=True):
    """One version of an API: at `version_data.versions{}`."""

    name: str = ""
    expires: str = ""
    paths: VersionPaths = VersionPaths()
    use_extended_paths: bool = False
    extended_paths: ExtendedPaths = ExtendedPaths()
    global_headers: Mapping[str, str] = NIL_MAP
    global_headers_remove: Sequence[str] = ()
    global_headers_disabled: bool = False
    global_response_headers: Mapping[str, str] = NIL_MAP
    global_response_headers_remove: Sequence[str] = ()
    global_response_headers_disabled: bool = False
    ignore_endpoint_case: bool = False
    global_size_limit: Int64 = 0
    global_size_limit_disabled: bool = False
    global_enforce_timeout: Duration = NO_TIME
    global_enforce_timeout_disabled: bool = False
    override_target: str = ""


class VersionData(GoStruct, frozen=True):
    """At `version_data`."""

    not_versioned: bool = False
    default_version: str = ""
    versions: Mapping[str, VersionInfo] = NIL_MAP
