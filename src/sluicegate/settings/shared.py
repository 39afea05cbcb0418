"""Which settings a cluster may share, why the others are each node's own, and what becomes of the two together.

A shared setting says how requests are served, ought to be the same on every node, and takes effect in a running one:
all that reads it is made anew when it changes, or looks at `Services.settings` for each request. The document of them
is a `tyk.conf` that holds nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from sluicegate.errors import ConfigError
from sluicegate.settings.decode import read_document
from sluicegate.settings.draft import Draft, effective
from sluicegate.settings.findings import Findings
from sluicegate.settings.honoured import ASKING_NOTHING, longest_match
from sluicegate.settings.model import Settings
from sluicegate.settings.section import Section
from sluicegate.settings.shape import Block, leaves, root
from sluicegate.settings.validate import STATUSES

_SHARED = """
    http_server_options.enable_strict_routes http_server_options.enable_path_prefix_matching
    http_server_options.enable_path_suffix_matching http_server_options.enable_websockets
    http_server_options.skip_url_cleaning http_server_options.skip_target_path_escaping
    http_server_options.max_request_body_size http_server_options.xff_depth
    enable_custom_domains version_header ignore_endpoint_case hide_generator_header error_overrides
    min_token_length allow_master_keys basic_auth_hash_key_function force_global_session_lifetime
    global_session_lifetime session_lifetime_respects_key_expiration
    oauth_refresh_token_expire oauth_token_expire oauth_token_expired_retain_period oauth_redirect_uri_separator
    oauth_error_status_code enforce_org_quotas experimental_process_org_off_thread rate_limit_response_headers
    sluicegate.store_failure.limits
    close_connections http_server_options.write_timeout sluicegate.max_header_bytes sluicegate.max_header_count
    sluicegate.body_timeout_s sluicegate.idle_timeout_s
    proxy_default_timeout proxy_close_connections proxy_ssl_insecure_skip_verify proxy_ssl_min_version
    proxy_ssl_max_version proxy_ssl_ciphers ssl_force_common_name_check security.pinned_public_keys
    security.certificates.upstream max_idle_connections_per_host sluicegate.upstream_max_idle
    sluicegate.upstream_idle_timeout_s sluicegate.ejection.failures sluicegate.ejection.base_s
    sluicegate.ejection.max_s
    uptime_tests.disable uptime_tests.config.failure_trigger_sample_size uptime_tests.config.time_wait
"""

SHARED = frozenset(_SHARED.split())
"""Settings that a cluster may share."""

_WHY_OWN = {
    "it says who a node is, and where it is reached": """
        hostname listen_address listen_port control_api_hostname control_api_port pid_file_location cluster
        health_check_endpoint_name readiness_check_endpoint_name http_server_options.use_ssl
        http_server_options.server_name http_server_options.min_version http_server_options.max_version
        http_server_options.ssl_ciphers http_server_options.ssl_insecure_skip_verify security.certificates.apis
        sluicegate.proxy_protocol
    """,
    "it is a secret, or guards one, and what is shared can be read": """
        secret node_secret secrets allow_insecure_configs security.private_certificate_encoding_secret
        enable_config_inspection enable_key_logging enable_hashed_keys_listing
    """,
    "it names files of a node": """
        app_path template_path policies kv.file public_key_path http_server_options.certificates
        http_server_options.ssl_certificates
        sluicegate.store_path sluicegate.snapshot_path sluicegate.analytics_file
        sluicegate.store_failure.saved_sessions
    """,
    "it says which store a node goes to, and how, before anything shared can be read": """
        storage cache_storage analytics_storage enable_separate_cache_store enable_separate_analytics_store
        sluicegate.store_failure.timeout_s sluicegate.store_failure.stale_sessions_s local_session_cache liveness_check
    """,
    "it says how keys and policies are named and kept, which does not change while nodes run": """
        hash_keys hash_key_function hash_key_function_fallback disable_key_actions_by_username
        allow_unsafe_policy_ids suppress_default_org_store
    """,
    "it chooses how limits are counted, which does not change while nodes run": """
        enable_fixed_window_rate_limiter enable_redis_rolling_limiter enable_sentinel_rate_limiter
        drl_enable_sentinel_rate_limiter drl_notification_frequency drl_threshold enable_rate_limit_smoothing
        enable_leaky_bucket_rate_limiter enable_token_bucket_rate_limiter enable_sliding_window_rate_limiter
        sluicegate.limiter
    """,
    "it says what a node records and logs": """
        enable_analytics analytics_config log_level log_format access_logs track_404_logs sluicegate.prometheus
    """,
    "it says what a node has to spare, and how its process runs": """
        graceful_shutdown_timeout_duration graceful_shutdown_delay_seconds dns_cache sluicegate.workers
        uptime_tests.config.checker_pool_size sluicegate.max_connections suppress_redis_signal_reload
    """,
    "it bounds handshakes too, for which it is fixed when a port is opened": "sluicegate.header_timeout_s",
}

OWN = {name: why for why, names in _WHY_OWN.items() for name in names.split()}
"""Settings and blocks of settings that are each node's own, with the reason."""

EMPTY_DOCUMENT = b"{}"


@dataclass(frozen=True, slots=True)
class SharedSettings:
    """What a cluster shares of settings; false when that is nothing. values: by path."""

    values: Mapping[str, Any] = field(default_factory=dict)
    document: bytes = EMPTY_DOCUMENT

    def __bool__(self) -> bool:
        return bool(self.values)


def read_shared(document: bytes, source: str) -> SharedSettings:
    """Return what a document shares. Raises ConfigError with the first thing that is wrong, and how many there are."""
    shared, problems = examine_shared(document, source)
    if problems:
        first, more = problems[0], len(problems) - 1
        raise ConfigError(first.where, first.what + (f" (and {more} more)" if more else ""), first.hint)
    return shared


def examine_shared(document: bytes, source: str) -> tuple[SharedSettings, list[ConfigError]]:
    """Return what a document shares, and all that is wrong with it. source: how messages name it."""
    draft, findings = Draft(), Findings()
    read_document(document, source, draft, findings)
    for path in draft.values:
        if path not in SHARED:
            findings.error(draft.where(path), f"is not shared: {why_own(path)}", "take it out of what is shared")
    findings = findings.in_order()
    problems = findings.errors + findings.warnings
    if not draft.values and not problems:
        problems = [ConfigError(source, "shares no setting", "delete the document to share none")]
    return SharedSettings(draft.values, document), problems


def why_own(path: str) -> str:
    """Return why a setting is not shared."""
    if (known := longest_match(path, OWN)) is not None:
        return OWN[known]
    return "it does nothing" if path in ASKING_NOTHING else "it is known, but not honoured yet"


def laid_over(own: Settings, shared: SharedSettings) -> Settings:
    """Return a node's settings with the shared ones over them. Raises ConfigError when they do not fit together."""
    laid = _laid(own, root(), shared.values)
    assert isinstance(laid, Settings)
    if laid.proxy_ssl_max_version and laid.proxy_ssl_min_version > laid.proxy_ssl_max_version:
        raise ConfigError("proxy_ssl_min_version", "the lowest TLS version is above the highest", "share both")
    if laid.oauth_error_status_code not in STATUSES:
        raise ConfigError("oauth_error_status_code", f"not a status of HTTP: {laid.oauth_error_status_code}")
    return laid


def _laid(section: Section, block: Block, values: Mapping[str, Any]) -> Section:
    changed: dict[str, Any] = {}
    for member in block.members.values():
        if isinstance(member, Block):
            old = getattr(section, member.field)
            new = _laid(old, member, values)
            if new is not old:
                changed[member.field] = new
        elif member.path in values:
            changed[member.field] = effective(member, values[member.path])
    return replace(section, **changed) if changed else section


def overruled(own: Settings, origins: Mapping[str, str], shared: SharedSettings) -> Iterator[ConfigError]:
    """Yield what a node sets for itself that is served otherwise, since the cluster shares it.

    origins: where the node sets what it sets, by path: `tyk.conf:12`, or the name of a variable.
    """
    for path, value in shared.values.items():
        leaf = leaves()[path]
        if path in origins and value_at(own, path) != effective(leaf, value):
            what = "is otherwise in the settings of the cluster, which are served"
            yield ConfigError(f"{origins[path]}: {path}", what, "remove it here")


def value_at(settings: Settings, path: str) -> Any:
    """Return the value of a setting."""
    found: Any = settings
    here: Any = root()
    for name in path.split("."):
        here = here.members[name]
        found = getattr(found, here.field)
    return found
