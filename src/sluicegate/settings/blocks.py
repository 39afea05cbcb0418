"""Settings of the node's parts: definitions, policies, limits, sessions, health, plugins."""

from __future__ import annotations

from typing import Any, Literal

from sluicegate.settings.section import FloatOrDefault, IntOrDefault, Nanoseconds, NanosecondsOrDefault, Section


class Policies(Section, frozen=True):
    """Where policies come from."""

    policy_source: Literal["", "file", "service", "rpc"] = ""
    """`file`, `service` (the Dashboard) or `rpc` (the multi-region hub). Empty: file."""
    policy_connection_string: str = ""
    """Address of the Dashboard, with `service`."""
    policy_record_name: str = ""
    """File with the policies, with `file` and without `policy_path`."""
    allow_explicit_policy_id: bool = False
    """Without effect; explicit ids are always allowed."""
    policy_path: str = ""
    """Folder with one policy a file; the admin API writes there."""


class DBAppConfOptions(Section, frozen=True):
    """The Dashboard as the source of definitions."""

    connection_string: str = ""
    """Address of the Dashboard."""
    connection_timeout: IntOrDefault = 30
    """Seconds to wait for it."""
    node_is_segmented: bool = False
    """Load only APIs that carry one of the tags."""
    tags: list[str] = []
    """The tags."""


class DNSMonitor(Section, frozen=True):
    """Looks whether the hub's name has a new address."""

    enabled: bool = False
    """Look."""
    check_interval: IntOrDefault = 30
    """Seconds between two looks."""


class SlaveOptions(Section, frozen=True):
    """Being the far side of a multi-region hub."""

    use_rpc: bool = False
    """Connect to a hub."""
    use_ssl: bool = False
    """Speak TLS with it."""
    ssl_insecure_skip_verify: bool = False
    """Do not verify its certificate."""
    connection_string: str = ""
    """Its address."""
    rpc_key: str = ""
    """Organisation id to sign in with."""
    api_key: str = ""
    """API key to sign in with."""
    enable_rpc_cache: bool = False
    """Keep keys that were fetched."""
    bind_to_slugs: bool = False
    """Without effect."""
    disable_keyspace_sync: bool = False
    """Do not follow changes of keys."""
    group_id: str = "ungrouped"
    """Nodes of one group share a store."""
    call_timeout: IntOrDefault = 30
    """Seconds to wait for an answer."""
    ping_timeout: IntOrDefault = 60
    """Seconds to wait for a sign of life."""
    rpc_pool_size: IntOrDefault = 5
    """Connections to the hub."""
    key_space_sync_interval: FloatOrDefault = 10
    """Seconds between two looks for changed keys."""
    rpc_cert_cache_expiration: FloatOrDefault = 3600
    """Seconds that a fetched certificate is kept."""
    rpc_global_cache_expiration: FloatOrDefault = 30
    """Seconds that anything else fetched is kept."""
    rpc_cert_fetch_max_elapsed_time: FloatOrDefault = 30
    """Seconds for all attempts to fetch a certificate."""
    rpc_cert_fetch_initial_interval: FloatOrDefault = 0.1
    """Seconds before the second attempt."""
    rpc_cert_fetch_max_interval: FloatOrDefault = 2
    """Seconds between two attempts at most."""
    rpc_cert_fetch_retry_enabled: bool | None = True
    """Try more than once."""
    rpc_cert_fetch_max_retries: int | None = 3
    """Attempts at most."""
    synchroniser_enabled: bool = False
    """Fetch everything before it is asked for."""
    dns_monitor: DNSMonitor = DNSMonitor()
    sync_used_certs_only: bool = False
    """Fetch only certificates that an API uses."""


class Provider(Section, frozen=True):
    """A source of keys or sessions."""

    name: str = ""
    """Which."""
    storage_engine: str = ""
    """Where it keeps them."""
    meta: dict[str, Any] = {}
    """Its own options."""


class AuthOverride(Section, frozen=True):
    """Another source of keys or sessions for all APIs."""

    force_auth_provider: bool = False
    """Use `auth_provider` everywhere."""
    auth_provider: Provider = Provider()
    force_session_provider: bool = False
    """Use `session_provider` everywhere."""
    session_provider: Provider = Provider()


class MonitorWebhook(Section, frozen=True):
    """The call that a monitor makes."""

    method: str = ""
    """HTTP method."""
    target_path: str = ""
    """URL."""
    template_path: str = ""
    """Template of the body."""
    header_map: dict[str, str] = {}
    """Headers."""
    event_timeout: int = 0
    """Seconds during which the same event is not sent again."""


class Monitor(Section, frozen=True):
    """Calls a webhook when a share of a quota is used up."""

    enable_trigger_monitors: bool = False
    """Do it."""
    configuration: MonitorWebhook = MonitorWebhook()
    global_trigger_limit: float = 0
    """Percentage for keys that set none."""
    monitor_user_keys: bool = False
    """Watch keys."""
    monitor_org_keys: bool = False
    """Watch organisations."""


class ServiceDiscovery(Section, frozen=True):
    """Targets that are looked up."""

    default_cache_timeout: IntOrDefault = 120
    """Seconds that an answer is kept."""


class UptimeTestsConfig(Section, frozen=True):
    """How targets are tested."""

    failure_trigger_sample_size: IntOrDefault = 3
    """Failed tests in a row after which a target is down."""
    time_wait: IntOrDefault = 10
    """Seconds between two tests of a target."""
    checker_pool_size: IntOrDefault = 50
    """Tests at once."""
    enable_uptime_analytics: bool = False
    """Record the results."""


class UptimeTests(Section, frozen=True):
    """Active tests of targets."""

    disable: bool = False
    """Do not test."""
    poller_group: str = ""
    """Nodes of one group choose one that tests for all."""
    config: UptimeTestsConfig = UptimeTestsConfig()


class HealthCheck(Section, frozen=True):
    """The health figures of the admin API."""

    enable_health_checks: bool = False
    """Keep them."""
    health_check_value_timeouts: IntOrDefault = 60
    """Seconds that they look back."""


class LivenessCheck(Section, frozen=True):
    """The checks behind the health endpoint."""

    check_duration: NanosecondsOrDefault = 10_000_000_000
    """Time between two checks."""


class DNSCache(Section, frozen=True):
    """Memory for addresses of upstreams."""

    enabled: bool = False
    """Keep addresses for `ttl`."""
    ttl: int = 3600
    """Seconds."""
    multiple_ips_handle_strategy: Literal["", "pick_first", "random", "no_cache"] = "no_cache"
    """Which of several addresses is used."""


class LocalSessionCache(Section, frozen=True):
    """Sessions kept in memory for 10 seconds."""

    disable_cached_session_state: bool = False
    """Ask the store every time."""
    cached_session_timeout: int = 0
    """Without effect."""
    cached_session_eviction: int = 0
    """Without effect."""


class CoProcessOptions(Section, frozen=True):
    """Plugins in other processes and in Python."""

    enable_coprocess: bool = False
    """Run them."""
    coprocess_grpc_server: str = ""
    """Address of the gRPC server, `tcp://host:port`."""
    grpc_recv_max_size: int = 0
    """Bytes of a message from it."""
    grpc_send_max_size: int = 0
    """Bytes of a message to it."""
    grpc_authority: str = ""
    """Name it is called by."""
    grpc_round_robin_load_balancing: bool = False
    """Spread calls over its addresses."""
    python_path_prefix: str = ""
    """Folder of the Python modules."""
    python_version: str = ""
    """Version of Python to load."""


class EventTrigger(Section, frozen=True):
    """What is done when an event happens."""

    handler_name: str = ""
    """`eh_log_handler`, `eh_web_hook_handler` or `eh_dynamic_handler`."""
    handler_meta: dict[str, Any] = {}
    """Its options."""


class EventHandlers(Section, frozen=True):
    """What is done at events of all APIs."""

    events: dict[str, list[EventTrigger]] = {}
    """Handlers by event."""


class ConsulAuth(Section, frozen=True):
    """Basic authentication with Consul."""

    username: str = ""
    password: str = ""


class ConsulTLS(Section, frozen=True):
    """TLS towards Consul."""

    address: str = ""
    ca_file: str = ""
    ca_path: str = ""
    cert_file: str = ""
    key_file: str = ""
    insecure_skip_verify: bool = False


class Consul(Section, frozen=True):
    """Consul as a source of secrets."""

    address: str = ""
    scheme: str = ""
    datacenter: str = ""
    http_auth: ConsulAuth = ConsulAuth()
    wait_time: Nanoseconds = 0
    token: str = ""
    tls_config: ConsulTLS = ConsulTLS()


class Vault(Section, frozen=True):
    """Vault as a source of secrets."""

    address: str = ""
    agent_address: str = ""
    max_retries: int = 0
    timeout: Nanoseconds = 0
    token: str = ""
    kv_version: IntOrDefault = 2


class SecretFiles(Section, frozen=True):
    """Files as a source of secrets."""

    base_path: str = ""
    """Folder that `file://` references are read from; nothing outside of it is."""


class KV(Section, frozen=True):
    """Where references to secrets lead."""

    consul: Consul = Consul()
    vault: Vault = Vault()
    file: SecretFiles = SecretFiles()
    stores: dict[str, Any] = {}
    """Further sources, for `kv://` references."""


class TykError(Section, frozen=True):
    """A text and a status in place of the usual ones."""

    message: str = ""
    code: int = 0


class ResourceSync(Section, frozen=True):
    """Loading definitions and policies again when it failed."""

    retry_attempts: int = 0
    """How often."""
    interval: int = 0
    """Seconds between two attempts."""


class OASConfig(Section, frozen=True):
    """How strictly OpenAPI documents are read."""

    validate_examples: bool = False
    """Examples must fit their schema."""
    validate_schema_defaults: bool = False
    """Defaults must fit their schema."""


class Streaming(Section, frozen=True):
    """Streams (Tyk Streams)."""

    enabled: bool = False
    """Run them."""
    allow_unsafe: list[str] = []
    """Components that are off otherwise."""


class JWKSCache(Section, frozen=True):
    """Memory for key sets."""

    timeout: IntOrDefault = 240
    """Seconds."""


class JWKS(Section, frozen=True):
    """Key sets of token issuers."""

    cache: JWKSCache = JWKSCache()
