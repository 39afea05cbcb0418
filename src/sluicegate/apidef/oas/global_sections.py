"""`middleware.global` and `errorOverrides` of the extension beside their classic fields (contract 02.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sluicegate.apidef.oas.mapping import HEADERS, NOT, WHOLE_SECONDS, Kind, Section, rename, renamed

_GLOBAL = "middleware.global"

PLUGINS = renamed(
    {
        "enabled": "!disabled",
        "functionName": "name",
        "path": "path",
        "code": "code",
        "rawBodyOnly": "raw_body_only",
        "requireSession": "require_session",
    }
)


def _analytics_to_classic(plugins: Any) -> Any:
    for one in plugins or ():
        return {
            "enable": one.get("enabled"),
            "plugin_path": one.get("path"),
            "func_name": one.get("functionName"),
        }
    return None


def _analytics_to_oas(plugin: Any) -> Any:
    if not plugin:
        return None
    return [
        {
            "enabled": plugin.get("enable", False),
            "functionName": plugin.get("func_name", ""),
            "path": plugin.get("plugin_path", ""),
        }
    ]


_MATCH = {"messagePattern": "message_pattern", "bodyField": "body_field", "bodyValue": "body_value"}
_RESPONSE = {"statusCode": "status_code"}


def _overrides(value: Any, match: Mapping[str, str], response: Mapping[str, str]) -> Any:
    result: dict[str, list[Any]] = {}
    for code, rules in (value or {}).items():
        result[code] = []
        for rule in rules or ():
            renamed_rule = {"response": rename(rule.get("response") or {}, response)}
            if rule.get("match") is not None:
                renamed_rule["match"] = rename(rule["match"], match)
            result[code].append(renamed_rule)
    return result or None


def _reversed(names: Mapping[str, str]) -> dict[str, str]:
    return {classic: oas for oas, classic in names.items()}


OVERRIDES = Kind(
    lambda value: _overrides(value, _MATCH, _RESPONSE),
    lambda value: _overrides(value, _reversed(_MATCH), _reversed(_RESPONSE)),
)


def _headers(oas: str, classic: str) -> Section:
    names: dict[str, str | tuple[str, Kind]] = {
        "enabled": (f"{classic}_disabled", NOT),
        "remove": f"{classic}_remove",
        "add": (classic, HEADERS),
    }
    return Section(f"{_GLOBAL}.{oas}", "version", names)


GLOBAL = (
    Section(f"{_GLOBAL}.pluginConfig", "custom_middleware", {"driver": "driver"}),
    Section(
        f"{_GLOBAL}.pluginConfig.bundle",
        "",
        {"enabled": ("custom_middleware_bundle_disabled", NOT), "path": "custom_middleware_bundle"},
    ),
    Section(f"{_GLOBAL}.pluginConfig.data", "", {"enabled": ("config_data_disabled", NOT), "value": "config_data"}),
    Section(
        f"{_GLOBAL}.cors",
        "CORS",
        {
            "enabled": "enable",
            "maxAge": "max_age",
            "allowCredentials": "allow_credentials",
            "exposedHeaders": "exposed_headers",
            "allowedHeaders": "allowed_headers",
            "optionsPassthrough": "options_passthrough",
            "debug": "debug",
            "allowedOrigins": "allowed_origins",
            "allowedMethods": "allowed_methods",
        },
    ),
    Section(
        _GLOBAL,
        "",
        {
            "prePlugins": ("custom_middleware.pre", PLUGINS),
            "postAuthenticationPlugins": ("custom_middleware.post_key_auth", PLUGINS),
            "postPlugins": ("custom_middleware.post", PLUGINS),
            "responsePlugins": ("custom_middleware.response", PLUGINS),
            "skipRateLimit": "disable_rate_limit",
            "skipQuota": "disable_quota",
            "skipQuotaReset": "dont_set_quota_on_create",
        },
    ),
    Section(
        f"{_GLOBAL}.cache",
        "cache_options",
        {
            "enabled": "enable_cache",
            "timeout": "cache_timeout",
            "cacheAllSafeRequests": "cache_all_safe_requests",
            "cacheResponseCodes": "cache_response_codes",
            "cacheByHeaders": "cache_by_headers",
            "enableUpstreamCacheControl": "enable_upstream_cache_control",
            "controlTTLHeaderName": "cache_control_ttl_header",
        },
    ),
    _headers("transformRequestHeaders", "global_headers"),
    _headers("transformResponseHeaders", "global_response_headers"),
    Section(f"{_GLOBAL}.contextVariables", "", {"enabled": "enable_context_vars"}),
    Section(
        f"{_GLOBAL}.trafficLogs",
        "",
        {
            "enabled": ("do_not_track", NOT),
            "tagHeaders": "tag_headers",
            "customRetentionPeriod": ("expire_analytics_after", WHOLE_SECONDS),
            "plugins": ("analytics_plugin", Kind(_analytics_to_classic, _analytics_to_oas)),
        },
    ),
    Section(
        f"{_GLOBAL}.requestSizeLimit",
        "version",
        {"enabled": ("global_size_limit_disabled", NOT), "value": "global_size_limit"},
    ),
    Section(f"{_GLOBAL}.ignoreCase", "version", {"enabled": "ignore_endpoint_case"}),
    Section(
        "errorOverrides",
        "",
        {"enabled": ("error_overrides_disabled", NOT), "value": ("error_overrides", OVERRIDES)},
    ),
)
