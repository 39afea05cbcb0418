"""All settings, as `tyk.conf` names them: this file is the root, its neighbours are the blocks (contract 01.6).

Read on: `section` (what a default means), `server`, `storage`, `blocks`, `outbound`, `telemetry`, and `own` for what
Tyk does not have. `load` fills it from file and environment; nothing but the defaults stands here.
"""

from __future__ import annotations

from typing import Any, Literal

from sluicegate.settings import blocks as b
from sluicegate.settings import telemetry as t
from sluicegate.settings.outbound import ExternalServices
from sluicegate.settings.own import Cluster, Sluicegate
from sluicegate.settings.section import (
    FloatOrDefault,
    IntOrDefault,
    Port,
    PortOrDefault,
    Section,
    StrOrDefault,
    TLSVersion,
)
from sluicegate.settings.server import HTTPServerOptions, PortsWhiteList, Security
from sluicegate.settings.storage import StorageOptions


class Settings(Section, frozen=True):
    """How this process runs."""

    # The gateway's port and the admin API's
    hostname: str = ""
    """Answer only requests for this host."""
    listen_address: str = ""
    """Address to listen on; empty: all."""
    listen_port: PortOrDefault = 8080
    """Port to listen on."""
    control_api_hostname: str = ""
    """Host that `/config` and `/env` are for; empty: `hostname`. The rest of the admin API answers at any."""
    control_api_port: Port = 0
    """Port of the admin API; 0: the gateway's own."""
    secret: str = ""
    """What admin calls show in `X-Tyk-Authorization`. Empty: the admin API is closed."""
    node_secret: str = ""
    """What nodes sign their messages with, and show the Dashboard."""
    pid_file_location: str = ""
    """File for the process id; empty: none."""
    allow_insecure_configs: bool = False
    """Accept messages of other nodes, and policies of the Dashboard, without a signature."""
    public_key_path: str = ""
    """PEM file of the key that verifies what an older Dashboard tells nodes; plugin bundles, once there are some."""
    allow_remote_config: bool = False
    """Without effect: no Dashboard changes these settings."""
    enable_config_inspection: bool = False
    """Show these settings at `/config` and `/env` of the admin API, secrets blanked."""
    security: Security = Security()
    external_services: ExternalServices = ExternalServices()
    http_server_options: HTTPServerOptions = HTTPServerOptions()
    version_header: str = ""
    """Header that tells clients which version of an API they got, where they asked for none."""
    ports_whitelist: dict[str, PortsWhiteList] = {}
    """Ports that APIs may open, by protocol."""
    disable_ports_whitelist: bool = False
    """APIs may open any port."""
    enable_custom_domains: bool = False
    """Route by the domain of an API; where it is off, domains in definitions are ignored."""
    hide_generator_header: bool = False
    """No `X-Generator` in error answers."""

    # Definitions, policies and reloading
    app_path: StrOrDefault = "apps/"
    """Folder of API definitions."""
    template_path: StrOrDefault = "templates"
    """Folder of error templates."""
    use_db_app_configs: bool = False
    """Definitions come from the Dashboard."""
    db_app_conf_options: b.DBAppConfOptions = b.DBAppConfOptions()
    disable_dashboard_zeroconf: bool = False
    """Without effect: no Dashboard is looked for."""
    policies: b.Policies = b.Policies()
    allow_unsafe_policy_ids: bool = False
    """Policy ids may have any characters."""
    oas_config: b.OASConfig = b.OASConfig()
    suppress_redis_signal_reload: bool = False
    """Do not read files again when another node says that something changed."""
    reload_interval: IntOrDefault = 1
    """Without effect: a change is in force when its answer goes out."""
    resource_sync: b.ResourceSync = b.ResourceSync()
    ignore_endpoint_case: bool = False
    """Endpoint paths match whatever their case."""
    ignore_canonical_mime_header_key: bool = False
    """Send header names as they are written in definitions, not in Go's canonical form."""
    disable_regexp_cache: bool = False
    """Without effect: expressions are compiled at load time."""
    regexp_cache_expire: int = 60
    """Without effect."""
    regexp_cache_max_entries: int = 5000
    """Without effect."""
    disable_regexp_cache_bound: bool = False
    """Without effect."""

    # Keys and sessions
    hash_keys: bool = False
    """Keep only hashes of keys."""
    hash_key_function: str = ""
    """`murmur32`, `murmur64`, `murmur128` or `sha256`. Empty: murmur32."""
    hash_key_function_fallback: list[str] = []
    """Functions to try for keys that are not found with the first."""
    basic_auth_hash_key_function: StrOrDefault = "bcrypt"
    """Hash of passwords."""
    enable_hashed_keys_listing: bool = False
    """The admin API lists hashes of keys."""
    disable_key_actions_by_username: bool = False
    """User names do not stand for keys in the admin API."""
    min_token_length: IntOrDefault = 3
    """Shorter tokens are refused unseen."""
    allow_master_keys: bool = False
    """Keys without any access rights may use all APIs."""
    suppress_default_org_store: bool = False
    """Organisations get sessions only while there are APIs."""
    legacy_enable_allowance_countdown: bool = False
    """Without effect."""
    force_global_session_lifetime: bool = False
    """`global_session_lifetime` counts for all keys."""
    session_lifetime_respects_key_expiration: bool = False
    """Keys are kept until they expire, also where the lifetime is shorter."""
    global_session_lifetime: int = 0
    """Seconds that keys are kept in the store."""
    local_session_cache: b.LocalSessionCache = b.LocalSessionCache()
    auth_override: b.AuthOverride = b.AuthOverride()
    enforce_org_data_age: bool = False
    """Records live as long as the organisation says."""
    enforce_org_data_detail_logging: bool = False
    """Organisations decide whether requests are recorded whole."""
    enforce_org_quotas: bool = False
    """Quotas of organisations are enforced."""
    experimental_process_org_off_thread: bool = False
    """All refusals for an organisation's sake have one text; they are as exact as without."""
    oauth_refresh_token_expire: IntOrDefault = 1_209_600
    """Seconds that a refresh token lives."""
    oauth_token_expire: IntOrDefault = 3600
    """Seconds that an access token lives."""
    oauth_token_expired_retain_period: int = 0
    """Seconds that expired tokens stay in the lists of their clients; 0: a day, and no purge each hour."""
    oauth_redirect_uri_separator: str = ""
    """What separates several redirect addresses of a client; empty: there is one."""
    oauth_error_status_code: IntOrDefault = 403
    """Status of OAuth requests that get no token."""
    jwks: b.JWKS = b.JWKS()
    jwt_ssl_insecure_skip_verify: bool = False
    """Do not verify servers that key sets are fetched from."""

    # The store
    storage: StorageOptions = StorageOptions()
    enable_separate_analytics_store: bool = False
    """Records go to `analytics_storage`."""
    analytics_storage: StorageOptions = StorageOptions()
    enable_separate_cache_store: bool = False
    """Stored responses go to `cache_storage`."""
    cache_storage: StorageOptions = StorageOptions()
    cluster: Cluster = Cluster()
    slave_options: b.SlaveOptions = b.SlaveOptions()
    management_node: bool = False
    """Serve the admin API only."""

    # Limits
    enable_fixed_window_rate_limiter: bool = False
    """Count in fixed windows, in the store."""
    enable_redis_rolling_limiter: bool = False
    """Count in a log of requests, in the store."""
    enable_sentinel_rate_limiter: bool = False
    """Count in a log of requests, beside the road."""
    enable_rate_limit_smoothing: bool = False
    """Let limits counted in a log of requests grow and shrink with use, where a key says how (`smoothing`)."""
    enable_non_transactional_rate_limiter: bool = False
    """Without effect: limits are read and written in one step."""
    drl_notification_frequency: IntOrDefault = 2
    """Seconds between two announcements by which nodes of a cluster count each other."""
    drl_threshold: FloatOrDefault = 5
    """With `sluicegate.limiter: tyk`: a limit is divided among nodes if the nodes times this are below its requests per
    second, and else counted in the store."""
    drl_enable_sentinel_rate_limiter: bool = False
    """The log of requests, where the threshold asks for it, is written beside the road."""
    rate_limit_response_headers: Literal["", "quotas", "rate_limits"] = ""
    """What `X-RateLimit-*` headers tell of. Empty: quotas."""
    enable_leaky_bucket_rate_limiter: bool = False
    """Let requests over Redis leave evenly, each waiting for its turn (a development build of Tyk has this)."""
    enable_token_bucket_rate_limiter: bool = False
    """Count by a bucket in Redis that fills steadily (a development build of Tyk has this)."""
    enable_sliding_window_rate_limiter: bool = False
    """Count by a sliding window in Redis, in little memory (a development build of Tyk has this)."""
    enable_rate_limiter_storage: bool = False
    """Only in development builds of Tyk."""
    rate_limiter_storage: StorageOptions = StorageOptions()
    monitor: b.Monitor = b.Monitor()

    # Upstreams
    max_idle_connections: int = 0
    """Unused connections to all targets together; 0: no limit."""
    max_idle_connections_per_host: int = 0
    """Unused connections to one target; 0: `sluicegate.upstream_max_idle`."""
    max_conn_time: int = 0
    """Seconds that a connection to a target is used; 0: as long as it lasts."""
    close_connections: bool = False
    """Clients' connections are closed after each answer."""
    service_discovery: b.ServiceDiscovery = b.ServiceDiscovery()
    proxy_ssl_insecure_skip_verify: bool = False
    """Do not verify targets' certificates."""
    proxy_enable_http2: bool = False
    """Speak HTTP/2 with targets that offer it."""
    proxy_ssl_min_version: TLSVersion = 0
    """Lowest TLS version towards targets."""
    proxy_ssl_max_version: TLSVersion = 0
    """Highest TLS version towards targets."""
    proxy_ssl_ciphers: list[str] = []
    """Cipher suites towards targets."""
    proxy_default_timeout: FloatOrDefault = 30
    """Seconds to wait for a target's answer to begin."""
    proxy_ssl_disable_renegotiation: bool = False
    """Without effect: TLS renegotiation is never done."""
    proxy_close_connections: bool = False
    """Targets' connections are closed after each answer."""
    ssl_force_common_name_check: bool = False
    """The common name of a target's certificate is checked as well."""
    uptime_tests: b.UptimeTests = b.UptimeTests()
    dns_cache: b.DNSCache = b.DNSCache()

    # Health and stopping
    health_check: b.HealthCheck = b.HealthCheck()
    health_check_endpoint_name: StrOrDefault = "hello"
    """Path that says whether the process lives."""
    readiness_check_endpoint_name: StrOrDefault = "ready"
    """Path that says whether it can serve."""
    liveness_check: b.LivenessCheck = b.LivenessCheck()
    graceful_shutdown_timeout_duration: IntOrDefault = 30
    """Seconds that requests have to finish when the process is told to stop."""
    graceful_shutdown_delay_seconds: int = 0
    """Seconds during which it still accepts connections while `/ready` already says no."""
    disable_auto_max_procs: bool = False
    """Without effect."""

    # Plugins
    enable_bundle_downloader: bool = False
    """Fetch plugin bundles."""
    bundle_base_url: str = ""
    """Where they are."""
    bundle_insecure_skip_verify: bool = False
    """Do not verify the server they are on."""
    skip_verify_existing_plugin_bundle: bool = False
    """Do not verify again what was fetched."""
    enable_jsvm: bool = False
    """Run JavaScript plugins."""
    jsvm_timeout: IntOrDefault = 5
    """Seconds that one may run."""
    disable_virtual_path_blobs: bool = False
    """JavaScript of virtual endpoints comes from files only."""
    tyk_js_path: str = ""
    """File that is loaded before every JavaScript plugin."""
    middleware_path: StrOrDefault = "middleware"
    """Folder of plugins."""
    coprocess_options: b.CoProcessOptions = b.CoProcessOptions()
    streaming: b.Streaming = b.Streaming()

    # What is seen from outside
    enable_key_logging: bool = False
    """Keys stand in logs as they are."""
    enable_analytics: bool = False
    """Record requests."""
    analytics_config: t.AnalyticsConfig = t.AnalyticsConfig()
    log_level: str = "info"
    """`debug`, `info`, `warn` or `error`."""
    log_format: str = "text"
    """`text`, `json` or `legacy`."""
    access_logs: t.AccessLogs = t.AccessLogs()
    track_404_logs: bool = False
    """Log requests that no API answers."""
    tracing: t.Tracing = t.Tracing()
    opentelemetry: t.OpenTelemetry = t.OpenTelemetry()
    newrelic: t.NewRelic = t.NewRelic()
    enable_http_profiler: bool = False
    """Go's profiler on the admin API's port."""
    use_redis_log: bool = False
    """Log to Redis."""
    use_sentry: bool = False
    """Send errors to Sentry."""
    sentry_code: str = ""
    """Sentry's address."""
    sentry_log_level: str = ""
    """From which level on."""
    use_syslog: bool = False
    """Log to syslog."""
    syslog_transport: str = ""
    """`udp` or `tcp`."""
    syslog_network_addr: str = ""
    """Its address."""
    use_graylog: bool = False
    """Log to Graylog."""
    graylog_network_addr: str = ""
    """Its address."""
    use_logstash: bool = False
    """Log to Logstash."""
    logstash_transport: str = ""
    """`udp` or `tcp`."""
    logstash_network_addr: str = ""
    """Its address."""
    statsd_connection_string: str = ""
    """Address of StatsD."""
    statsd_prefix: str = ""
    """What its names begin with."""
    event_handlers: b.EventHandlers = b.EventHandlers()
    event_trigers_defunct: dict[str, list[b.EventTrigger]] = {}
    """Older form of `event_handlers`."""
    event_triggers_defunct: dict[str, list[b.EventTrigger]] = {}
    """Older form of `event_handlers`."""

    # Secrets, texts and the rest
    kv: b.KV = b.KV()
    secrets: dict[str, str] = {}
    """Values for `secrets://` references and `$secret_conf.` variables."""
    override_messages: dict[str, b.TykError] = {}
    """Without effect, as in Tyk: see `error_overrides`."""
    error_overrides: dict[str, list[dict[str, Any]]] = {}
    """Other answers for errors, by status (contract 06.6)."""
    cloud: bool = False
    """Without effect."""
    labs: dict[str, Any] = {}
    """Experiments of Tyk."""

    # What Tyk does not have
    sluicegate: Sluicegate = Sluicegate()
