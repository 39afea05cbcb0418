"""`server` of the extension beside its classic fields, but for security schemes (contract 02.8)."""

from __future__ import annotations

from typing import Any

from sluicegate.apidef.oas.mapping import NOT, WHOLE_SECONDS, Kind, Section, Tree, pairs

_AUTH = "server.authentication"
LIFETIME = f"{_AUTH}.customKeyLifetime"
"""Its `enabled` has no classic field: where it is not set, keys have no life time."""

_CLIENTS = pairs("clientId", "policyId")
_SCOPES = pairs("scope", "policyId")


def _providers_to_classic(providers: Any) -> Any:
    return [
        {"issuer": one.get("issuer"), "client_ids": _CLIENTS.to_classic(one.get("clientToPolicyMapping"))}
        for one in providers or ()
    ] or None


def _providers_to_oas(providers: Any) -> Any:
    return [
        {"issuer": one.get("issuer"), "clientToPolicyMapping": _CLIENTS.to_oas(one.get("client_ids"))}
        for one in providers or ()
    ] or None


def _extractor_to_classic(config: Any) -> Any:
    return {_EXTRACTOR.get(name, name): value for name, value in (config or {}).items()} or None


def _extractor_to_oas(config: Any) -> Any:
    back = {classic: oas for oas, classic in _EXTRACTOR.items()}
    return {back[name]: value for name, value in (config or {}).items() if name in back} or None


_EXTRACTOR = {
    "headerName": "header_name",
    "formParamName": "param_name",
    "regexp": "regex_expression",
    "regexpMatchIndex": "regex_match_index",
    "xPathExp": "xpath_expression",
}


def auth_sources(oas: str, name: str) -> tuple[Section, ...]:
    """Return the sections that say where a credential may stand; they make an entry of `auth_configs`."""
    config = f"auth_configs.{name}"
    return (
        Section(f"{oas}.header", config, {"enabled": ("disable_header", NOT), "name": "auth_header_name"}),
        Section(f"{oas}.query", config, {"enabled": "use_param", "name": "param_name"}),
        Section(f"{oas}.cookie", config, {"enabled": "use_cookie", "name": "cookie_name"}),
    )


def scopes(oas: str, classic: str) -> Section:
    """Return the section that gives policies for the scopes of a token."""
    return Section(
        f"{oas}.scopes",
        f"scopes.{classic}",
        {"claimName": "scope_claim_name", "scopeToPolicyMapping": ("scope_to_policy", _SCOPES)},
    )


SERVER = (
    Section("server.listenPath", "proxy", {"value": "listen_path", "strip": "strip_listen_path"}),
    Section("server.clientCertificates", "", {"enabled": "use_mutual_tls_auth", "allowlist": "client_certificates"}),
    Section("server.gatewayTags", "", {"enabled": ("tags_disabled", NOT), "tags": "tags"}),
    Section(
        "server.customDomain",
        "",
        {"enabled": ("domain_disabled", NOT), "name": "domain", "certificates": "certificates"},
    ),
    Section("server.detailedActivityLogs", "", {"enabled": "enable_detailed_recording"}),
    Section("server.detailedTracing", "", {"enabled": "detailed_tracing"}),
    Section(
        "server.ipAccessControl",
        "",
        {"enabled": ("ip_access_control_disabled", NOT), "allow": "allowed_ips", "block": "blacklisted_ips"},
    ),
    Section("server.batchProcessing", "", {"enabled": "enable_batch_request_support"}),
    Section(
        "server",
        "",
        {"protocol": "protocol", "port": "listen_port", "limitsOnStoreFailure": "limits_on_store_failure"},
    ),
)

AUTHENTICATION = (
    Section(
        _AUTH,
        "",
        {
            "enabled": ("use_keyless", NOT),
            "stripAuthorizationData": "strip_auth_data",
            "baseIdentityProvider": "base_identity_provided_by",
        },
    ),
    Section(
        f"{_AUTH}.hmac",
        "",
        {
            "enabled": "enable_signature_checking",
            "allowedAlgorithms": "hmac_allowed_algorithms",
            "allowedClockSkew": "hmac_allowed_clock_skew",
        },
    ),
    Section(
        f"{_AUTH}.oidc",
        "",
        {
            "enabled": "use_openid",
            "segregateByClientId": "openid_options.segregate_by_client",
            "providers": ("openid_options.providers", Kind(_providers_to_classic, _providers_to_oas)),
        },
    ),
    scopes(f"{_AUTH}.oidc", "oidc"),
    Section(f"{_AUTH}.custom", "", {"enabled": "custom_plugin_auth_enabled"}),
    Section(
        f"{_AUTH}.custom.config",
        "custom_middleware.auth_check",
        {
            "enabled": ("disabled", NOT),
            "functionName": "name",
            "path": "path",
            "rawBodyOnly": "raw_body_only",
            "requireSession": "require_session",
        },
    ),
    Section(
        f"{_AUTH}.custom.config.idExtractor",
        "custom_middleware.id_extractor",
        {
            "enabled": ("disabled", NOT),
            "source": "extract_from",
            "with": "extract_with",
            "config": ("extractor_config", Kind(_extractor_to_classic, _extractor_to_oas)),
        },
    ),
    Section(
        LIFETIME,
        "",
        {
            "value": ("session_lifetime", WHOLE_SECONDS),
            "respectValidity": "session_lifetime_respects_key_expiration",
        },
    ),
)

SOURCES_BY_SECTION = {f"{_AUTH}.hmac": "hmac", f"{_AUTH}.oidc": "oidc", f"{_AUTH}.custom": "coprocess"}
"""Ways of authentication that stand in `server.authentication` itself, with their entries of `auth_configs`."""


def handlers_to_classic(handlers: Any) -> Tree | None:
    """Return `event_handlers.events`: what is set off, by event."""
    events: dict[str, list[Tree]] = {}
    for one in handlers or ():
        meta = {_META[name]: value for name, value in one.items() if name in _META}
        meta["disabled"] = not one.get("enabled")
        if "headers" in one:
            meta["header_map"] = {header.get("name"): header.get("value") for header in one["headers"]}
        if "cooldownPeriod" in one:
            meta["event_timeout"] = WHOLE_SECONDS.to_classic(one["cooldownPeriod"])
        name = _HANDLERS.get(one.get("type", ""), one.get("type", ""))
        events.setdefault(one.get("trigger", ""), []).append({"handler_name": name, "handler_meta": meta})
    return events or None


_HANDLERS = {"webhook": "eh_web_hook_handler", "custom": "eh_dynamic_handler", "log": "eh_log_handler"}

_META = {
    "id": "id",
    "name": "name",
    "url": "target_path",
    "method": "method",
    "bodyTemplate": "template_path",
    "functionName": "name",
    "path": "path",
    "logPrefix": "prefix",
}
