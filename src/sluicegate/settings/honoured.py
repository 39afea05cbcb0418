"""Which settings this gateway honours: the one place to extend when a feature lands.

A name stands for the setting, or for the whole block. What Tyk knows and does not stand here is named in a warning when
somebody sets it to something that asks for anything.
"""

from __future__ import annotations

from typing import Any

from sluicegate.settings.draft import Draft
from sluicegate.settings.findings import Findings
from sluicegate.settings.shape import leaves

_HONOURED = """
    hostname listen_address listen_port control_api_hostname control_api_port secret pid_file_location
    enable_config_inspection version_header enable_custom_domains hide_generator_header
    app_path template_path
    policies.policy_source policies.policy_record_name policies.policy_path
    allow_unsafe_policy_ids oas_config reload_interval ignore_endpoint_case ignore_canonical_mime_header_key
    hash_keys hash_key_function hash_key_function_fallback enable_hashed_keys_listing basic_auth_hash_key_function
    disable_key_actions_by_username min_token_length allow_master_keys force_global_session_lifetime
    session_lifetime_respects_key_expiration global_session_lifetime
    local_session_cache.disable_cached_session_state
    enforce_org_data_age enforce_org_quotas
    storage.type storage.host storage.port storage.addrs storage.username storage.password storage.database
    storage.optimisation_max_idle storage.optimisation_max_active storage.timeout storage.use_ssl
    storage.ssl_insecure_skip_verify storage.ca_file storage.cert_file storage.key_file
    storage.tls_min_version storage.tls_max_version
    enable_fixed_window_rate_limiter enable_redis_rolling_limiter enable_sentinel_rate_limiter
    enable_non_transactional_rate_limiter drl_threshold drl_enable_sentinel_rate_limiter
    rate_limit_response_headers
    max_idle_connections_per_host max_conn_time close_connections
    proxy_ssl_insecure_skip_verify proxy_ssl_min_version proxy_ssl_max_version proxy_ssl_ciphers
    proxy_default_timeout proxy_close_connections ssl_force_common_name_check uptime_tests dns_cache
    health_check_endpoint_name readiness_check_endpoint_name liveness_check
    graceful_shutdown_timeout_duration graceful_shutdown_delay_seconds
    enable_key_logging enable_analytics
    analytics_config.ignored_ips analytics_config.normalise_urls analytics_config.records_buffer_size
    analytics_config.storage_expiration_time analytics_config.enable_multiple_analytics_keys
    log_level log_format access_logs track_404_logs
    secrets kv.file error_overrides
    http_server_options.read_timeout http_server_options.write_timeout http_server_options.use_ssl
    http_server_options.enable_strict_routes http_server_options.enable_path_prefix_matching
    http_server_options.enable_path_suffix_matching http_server_options.enable_websockets
    http_server_options.certificates http_server_options.ssl_certificates http_server_options.server_name
    http_server_options.min_version http_server_options.max_version http_server_options.ssl_ciphers
    http_server_options.skip_url_cleaning http_server_options.skip_target_path_escaping
    http_server_options.max_request_body_size http_server_options.max_response_body_size
    http_server_options.xff_depth http_server_options.ssl_insecure_skip_verify
    http_server_options.skip_client_ca_announcement
    sluicegate
"""

_ASKING_NOTHING = """
    http_server_options.flush_interval policies.allow_explicit_policy_id slave_options.bind_to_slugs
    disable_regexp_cache regexp_cache_expire regexp_cache_max_entries disable_regexp_cache_bound
    suppress_default_org_store legacy_enable_allowance_countdown experimental_process_org_off_thread
    local_session_cache.cached_session_timeout local_session_cache.cached_session_eviction
    proxy_ssl_disable_renegotiation disable_auto_max_procs cloud override_messages
    disable_dashboard_zeroconf drl_notification_frequency analytics_config.pool_size allow_insecure_configs
    allow_remote_config suppress_redis_signal_reload
"""

HONOURED = frozenset(_HONOURED.split())
"""Settings and blocks that do here what Tyk's documents say."""

ASKING_NOTHING = frozenset(_ASKING_NOTHING.split())
"""Settings that Tyk ignores too, and those that ask for less of what is not there: no warning is due."""


def is_honoured(path: str) -> bool:
    """Say whether a setting, or a block around it, stands in the list."""
    parts = path.split(".")
    return any(".".join(parts[:length]) in HONOURED for length in range(1, len(parts) + 1))


def name_unhonoured(draft: Draft, findings: Findings) -> None:
    """Warn of each setting that asks for something which is not there yet."""
    for path, value in draft.values.items():
        if path not in ASKING_NOTHING and not is_honoured(path) and _asks(value, leaves()[path].default):
            findings.warn(draft.where(path), "known, but not honoured yet")


def _asks(value: Any, default: Any) -> bool:
    return bool(value) and value != default
