"""Plugins in a classic definition (contract 02.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.gotypes import NIL_MAP, GoStruct, Omit


class MiddlewareDefinition(GoStruct, frozen=True):
    """At `custom_middleware.pre[]`."""

    disabled: bool = False
    name: str = ""
    path: str = ""
    code: Omit[str] = ""
    require_session: bool = False
    raw_body_only: bool = False


class MiddlewareIdExtractor(GoStruct, frozen=True):
    """At `custom_middleware.id_extractor`."""

    disabled: bool = False
    extract_from: str = ""
    extract_with: str = ""
    extractor_config: Mapping[str, Any] = NIL_MAP


class MiddlewareSection(GoStruct, frozen=True):
    """At `custom_middleware`."""

    pre: Sequence[MiddlewareDefinition] = ()
    post: Sequence[MiddlewareDefinition] = ()
    post_key_auth: Sequence[MiddlewareDefinition] = ()
    auth_check: MiddlewareDefinition = MiddlewareDefinition()
    traffic_logs: MiddlewareDefinition = MiddlewareDefinition()
    response: Sequence[MiddlewareDefinition] = ()
    driver: str = ""
    id_extractor: MiddlewareIdExtractor = MiddlewareIdExtractor()


class IDExtractorConfig(GoStruct, frozen=True):
    """What `custom_middleware.id_extractor.extractor_config` may say."""

    header_name: Omit[str] = ""
    param_name: Omit[str] = ""
    regex_expression: Omit[str] = ""
    regex_match_index: Omit[int] = 0
    xpath_expression: Omit[str] = ""


class BundleManifest(GoStruct, frozen=True):
    """`manifest.json` of a plugin bundle."""

    file_list: Sequence[str] = ()
    custom_middleware: MiddlewareSection = MiddlewareSection()
    checksum: str = ""
    signature: str = ""


class AnalyticsPluginConfig(GoStruct, frozen=True):
    """At `analytics_plugin`."""

    enable: Omit[bool] = False
    plugin_path: Omit[str] = ""
    func_name: Omit[str] = ""
