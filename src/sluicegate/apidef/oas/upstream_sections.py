"""`info` and `upstream` of the extension beside their classic fields (contract 02.8)."""

from __future__ import annotations

from typing import Any

from sluicegate.apidef.gotypes import Duration
from sluicegate.apidef.oas.mapping import (
    CERTIFICATES,
    NOT,
    PINS,
    SECONDS,
    TLS_VERSION,
    VERSIONS,
    WHOLE_SECONDS,
    Kind,
    Section,
)

INFO = (
    Section("info", "", {"id": "api_id", "dbId": "id", "orgId": "org_id", "name": "name", "expiration": "expiration"}),
    Section("info.state", "", {"active": "active", "internal": "internal"}),
    Section(
        "info.versioning",
        "definition",
        {
            "enabled": "enabled",
            "name": "name",
            "default": "default",
            "location": "location",
            "key": "key",
            "versions": ("versions", VERSIONS),
            "stripVersioningData": "strip_versioning_data",
            "urlVersioningPattern": "url_versioning_pattern",
            "fallbackToDefault": "fallback_to_default",
        },
        only_if_said=True,
    ),
)


def _tests_to_classic(tests: Any) -> Any:
    result = []
    for test in tests or ():
        kind = (test.get("url") or "").partition("://")[0]
        result.append(
            {
                "url": test.get("url"),
                "protocol": kind if kind in ("tcp", "tls") else "",
                "timeout": round(Duration.parse(test.get("timeout") or "") * 1e9),
                "method": test.get("method"),
                "headers": test.get("headers"),
                "body": test.get("body"),
                "commands": test.get("commands"),
                "enable_proxy_protocol": test.get("enableProxyProtocol"),
            }
        )
    return result or None


def _tests_to_oas(checks: Any) -> Any:
    return [
        {
            "url": check.get("url"),
            "timeout": str(Duration((check.get("timeout") or 0) / 1e9)),
            "method": check.get("method"),
            "headers": check.get("headers"),
            "body": check.get("body"),
            "commands": check.get("commands"),
            "enableProxyProtocol": check.get("enable_proxy_protocol"),
        }
        for check in checks or ()
    ] or None


def _discovery(oas: str, classic: str) -> tuple[Section, Section]:
    names = {
        "enabled": "use_discovery_service",
        "queryEndpoint": "query_endpoint",
        "dataPath": "data_path",
        "useNestedQuery": "use_nested_query",
        "parentDataPath": "parent_data_path",
        "portDataPath": "port_data_path",
        "useTargetList": "use_target_list",
        "targetPath": "target_path",
        "endpointReturnsList": "endpoint_returns_list",
    }
    cache: dict[str, str | tuple[str, Kind]] = {"enabled": ("cache_disabled", NOT), "timeout": "cache_timeout"}
    return Section(oas, classic, names), Section(f"{oas}.cache", classic, cache)


def _client(oas: str, classic: str) -> tuple[Section, Section]:
    names = {
        "clientId": "client_id",
        "clientSecret": "client_secret",
        "method": "method",
        "tokenUrl": "token_url",
        "scopes": "scopes",
        "extraMetadata": "extra_metadata",
    }
    if oas.endswith("password"):
        names |= {"username": "username", "password": "password"}
    return Section(oas, classic, names), Section(f"{oas}.header", f"{classic}.header", _SOURCE)


_SOURCE = {"enabled": "enabled", "name": "name"}
_AUTH = "upstream.authentication"

UPSTREAM = (
    Section("upstream", "proxy", {"url": "target_url"}),
    *_discovery("upstream.serviceDiscovery", "proxy.service_discovery"),
    Section(
        "upstream.uptimeTests",
        "uptime_tests",
        {
            "enabled": ("disabled", NOT),
            "tests": ("check_list", Kind(_tests_to_classic, _tests_to_oas)),
            "hostDownRetestPeriod": ("config.recheck_wait", WHOLE_SECONDS),
            "logRetentionPeriod": ("config.expire_utime_after", WHOLE_SECONDS),
        },
    ),
    *_discovery("upstream.uptimeTests.serviceDiscovery", "uptime_tests.config.service_discovery"),
    Section(
        "upstream.mutualTLS",
        "",
        {
            "enabled": ("upstream_certificates_disabled", NOT),
            "domainToCertificateMapping": ("upstream_certificates", CERTIFICATES),
        },
    ),
    Section(
        "upstream.certificatePinning",
        "",
        {
            "enabled": ("certificate_pinning_disabled", NOT),
            "domainToPublicKeysMapping": ("pinned_public_keys", PINS),
        },
    ),
    Section(
        "upstream.rateLimit",
        "global_rate_limit",
        {"enabled": ("disabled", NOT), "rate": "rate", "per": ("per", SECONDS)},
    ),
    Section(_AUTH, "upstream_auth", {"enabled": "enabled"}),
    Section(
        f"{_AUTH}.basicAuth",
        "upstream_auth.basic_auth",
        {"enabled": "enabled", "username": "username", "password": "password"},
    ),
    Section(f"{_AUTH}.basicAuth.header", "upstream_auth.basic_auth.header", _SOURCE),
    Section(
        f"{_AUTH}.oauth",
        "upstream_auth.oauth",
        {"enabled": "enabled", "allowedAuthorizeTypes": "allowed_authorize_types"},
    ),
    *_client(f"{_AUTH}.oauth.clientCredentials", "upstream_auth.oauth.client_credentials"),
    *_client(f"{_AUTH}.oauth.password", "upstream_auth.oauth.password"),
    Section(
        f"{_AUTH}.requestSigning",
        "request_signing",
        {
            "enabled": "is_enabled",
            "signatureHeader": "signature_header",
            "algorithm": "algorithm",
            "keyId": "key_id",
            "headers": "header_list",
            "secret": "secret",
            "certificateId": "certificate_id",
        },
    ),
    Section("upstream.preserveHostHeader", "proxy", {"enabled": "preserve_host_header"}),
    Section("upstream.preserveTrailingSlash", "proxy", {"enabled": "disable_strip_slash"}),
    Section(
        "upstream.tlsTransport",
        "proxy.transport",
        {
            "insecureSkipVerify": "ssl_insecure_skip_verify",
            "ciphers": "ssl_ciphers",
            "minVersion": ("ssl_min_version", TLS_VERSION),
            "maxVersion": ("ssl_max_version", TLS_VERSION),
            "forceCommonNameCheck": "ssl_force_common_name_check",
        },
    ),
    Section(
        "upstream.enforceTimeout",
        "version",
        {"enabled": ("global_enforce_timeout_disabled", NOT), "duration": "global_enforce_timeout"},
    ),
)
