"""The environment's name of each setting (contract 01.2).

Tyk reads `TYK_GW_` and, for each level, the name of the field in its Go source, in capitals. Mostly that is the JSON
name without underscores; where Tyk's authors chose another word, it stands here.
"""

from __future__ import annotations

from sluicegate.settings import blocks, model, server, storage, telemetry
from sluicegate.settings.section import Section

PREFIX = "TYK_GW"

_OTHER_WORDS: dict[tuple[type[Section], str], str] = {
    (model.Settings, "disable_ports_whitelist"): "DISABLEPORTWHITELIST",
    (model.Settings, "enable_http_profiler"): "HTTPPROFILE",
    (model.Settings, "enable_separate_analytics_store"): "ENABLESEPERATEANALYTICSSTORE",
    (model.Settings, "enable_separate_cache_store"): "ENABLESEPERATECACHESTORE",
    (model.Settings, "event_trigers_defunct"): "EVENTTRIGGERS",
    (model.Settings, "max_idle_connections"): "MAXIDLECONNS",
    (model.Settings, "max_idle_connections_per_host"): "MAXIDLECONNSPERHOST",
    (model.Settings, "oas_config"): "OAS",
    (model.Settings, "oauth_refresh_token_expire"): "OAUTHREFRESHEXPIRE",
    (model.Settings, "ports_whitelist"): "PORTWHITELIST",
    (model.Settings, "proxy_ssl_ciphers"): "PROXYSSLCIPHERSUITES",
    (model.Settings, "suppress_default_org_store"): "SUPRESSDEFAULTORGSTORE",
    (model.Settings, "tracing"): "TRACER",
    (blocks.HealthCheck, "health_check_value_timeouts"): "HEALTHCHECKVALUETIMEOUT",
    (blocks.LocalSessionCache, "disable_cached_session_state"): "DISABLECACHESESSIONSTATE",
    (blocks.LocalSessionCache, "cached_session_eviction"): "CACHESESSIONEVICTION",
    (blocks.Monitor, "configuration"): "CONFIG",
    (blocks.MonitorWebhook, "header_map"): "HEADERLIST",
    (blocks.SlaveOptions, "bind_to_slugs"): "BINDTOSLUGSINSTEADOFLISTENPATHS",
    (server.Certificates, "apis"): "API",
    (server.Certificates, "dashboard_api"): "DASHBOARD",
    (server.Certificates, "mdcb_api"): "MDCB",
    (server.HTTPServerOptions, "ssl_ciphers"): "CIPHERS",
    (storage.StorageOptions, "optimisation_max_active"): "MAXACTIVE",
    (storage.StorageOptions, "optimisation_max_idle"): "MAXIDLE",
    (telemetry.AnalyticsConfig, "geo_ip_db_path"): "GEOIPDBLOCATION",
    (telemetry.NormaliseURLs, "custom_patterns"): "CUSTOM",
    (telemetry.OTelTraces, "mcp"): "MCPTRACECONTEXT",
}


def env_word(section: type[Section], name: str) -> str:
    """Return what one level adds to the name: `optimisation_max_idle` of the storage is `MAXIDLE`."""
    return _OTHER_WORDS.get((section, name)) or name.replace("_", "").upper()
