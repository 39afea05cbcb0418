"""Which settings this gateway honours: the one place to extend when a feature lands.

A name stands for the setting, or for the whole block. What Tyk knows and does not stand here is named in a warning when
somebody sets it to something that asks for anything.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from sluicegate.settings.draft import Draft
from sluicegate.settings.findings import Findings
from sluicegate.settings.shape import leaves

_HONOURED = """
    hostname listen_address listen_port control_api_hostname control_api_port pid_file_location secret node_secret
    allow_insecure_configs public_key_path
    enable_config_inspection security.pinned_public_keys security.certificates.apis security.certificates.upstream
    security.private_certificate_encoding_secret http_server_options.write_timeout http_server_options.use_ssl
    http_server_options.enable_strict_routes http_server_options.enable_path_prefix_matching
    http_server_options.enable_path_suffix_matching http_server_options.ssl_insecure_skip_verify
    http_server_options.certificates http_server_options.ssl_certificates http_server_options.server_name
    http_server_options.min_version http_server_options.max_version http_server_options.enable_websockets
    http_server_options.skip_url_cleaning http_server_options.ssl_ciphers http_server_options.max_request_body_size
    http_server_options.xff_depth http_server_options.skip_target_path_escaping enable_custom_domains version_header
    hide_generator_header app_path template_path policies.policy_source policies.policy_record_name
    policies.policy_path allow_unsafe_policy_ids suppress_redis_signal_reload ignore_endpoint_case hash_keys
    hash_key_function hash_key_function_fallback basic_auth_hash_key_function enable_hashed_keys_listing
    disable_key_actions_by_username min_token_length allow_master_keys suppress_default_org_store
    force_global_session_lifetime session_lifetime_respects_key_expiration global_session_lifetime
    local_session_cache.disable_cached_session_state enforce_org_quotas experimental_process_org_off_thread
    cluster.enabled cluster.node_id cluster.data_sync_interval
    enable_fixed_window_rate_limiter enable_redis_rolling_limiter
    enable_sentinel_rate_limiter drl_enable_sentinel_rate_limiter drl_notification_frequency drl_threshold
    enable_rate_limit_smoothing enable_leaky_bucket_rate_limiter enable_token_bucket_rate_limiter
    enable_sliding_window_rate_limiter rate_limit_response_headers
    max_idle_connections_per_host close_connections proxy_ssl_insecure_skip_verify proxy_ssl_min_version
    proxy_ssl_max_version proxy_ssl_ciphers proxy_default_timeout proxy_close_connections
    ssl_force_common_name_check uptime_tests.disable uptime_tests.config.failure_trigger_sample_size
    uptime_tests.config.time_wait uptime_tests.config.checker_pool_size dns_cache health_check_endpoint_name
    readiness_check_endpoint_name liveness_check graceful_shutdown_timeout_duration graceful_shutdown_delay_seconds
    enable_key_logging enable_analytics analytics_config.ignored_ips analytics_config.normalise_urls
    analytics_config.records_buffer_size analytics_config.storage_expiration_time
    analytics_config.enable_multiple_analytics_keys log_level log_format access_logs track_404_logs kv.file secrets
    oauth_refresh_token_expire oauth_token_expire oauth_token_expired_retain_period oauth_redirect_uri_separator
    oauth_error_status_code error_overrides sluicegate enable_separate_cache_store enable_separate_analytics_store
"""

_REDIS = """
    type host port hosts addrs master_name sentinel_password username password database timeout enable_cluster use_ssl
    ssl_insecure_skip_verify ca_file cert_file key_file tls_max_version tls_min_version
"""

_REDIS_ASKING_NOTHING = "optimisation_max_idle optimisation_max_active max_decompressed_size"
_REDIS_BLOCKS = ("storage", "cache_storage", "analytics_storage")

_ASKING_NOTHING = """
    allow_remote_config http_server_options.flush_interval disable_dashboard_zeroconf policies.allow_explicit_policy_id
    reload_interval disable_regexp_cache regexp_cache_expire regexp_cache_max_entries disable_regexp_cache_bound
    legacy_enable_allowance_countdown local_session_cache.cached_session_timeout
    local_session_cache.cached_session_eviction slave_options.bind_to_slugs enable_non_transactional_rate_limiter
    proxy_ssl_disable_renegotiation disable_auto_max_procs analytics_config.pool_size override_messages cloud
"""


def _of_each_redis(fields: str) -> frozenset[str]:
    return frozenset(f"{block}.{field}" for block in _REDIS_BLOCKS for field in fields.split())


HONOURED = frozenset(_HONOURED.split()) | _of_each_redis(_REDIS)
"""Settings and blocks that do here what Tyk's documents say."""

ASKING_NOTHING = frozenset(_ASKING_NOTHING.split()) | _of_each_redis(_REDIS_ASKING_NOTHING)
"""Settings that Tyk ignores too, and those that ask for less of what is not there: no warning is due."""


def is_honoured(path: str) -> bool:
    """Say whether a setting, or a block around it, stands in the list."""
    return longest_match(path, HONOURED) is not None


def longest_match(path: str, names: Container[str]) -> str | None:
    """Return which of some names stands for a setting: its own, else that of the innermost block around it."""
    parts = path.split(".")
    candidates = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in candidates if name in names), None)


def name_unhonoured(draft: Draft, findings: Findings) -> None:
    """Warn of each setting that asks for something which is not there yet."""
    for path, value in draft.values.items():
        if path not in ASKING_NOTHING and not is_honoured(path) and _asks(value, leaves()[path].default):
            findings.warn(draft.where(path), "known, but not honoured yet")


def _asks(value: Any, default: Any) -> bool:
    return bool(value) and value != default
