"""The whole of a classic API definition (contract 02.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.classic.auth import (
    JWK,
    AuthConfig,
    AuthProviderMeta,
    BasicAuth,
    ExternalOAuth,
    NotificationsManager,
    Oauth2Meta,
    OpenIDOptions,
    RequestSigningMeta,
    Scopes,
    SessionProviderMeta,
    UpstreamAuth,
)
from sluicegate.apidef.classic.events import EventHandlerMetaConfig
from sluicegate.apidef.classic.graphql import GraphQLConfig
from sluicegate.apidef.classic.options import (
    CacheOptions,
    CORSConfig,
    ErrorOverride,
    GlobalRateLimit,
    ResponseProcessor,
)
from sluicegate.apidef.classic.plugins import AnalyticsPluginConfig, MiddlewareSection
from sluicegate.apidef.classic.proxy import ProxyConfig, UptimeTests
from sluicegate.apidef.classic.version import VersionData, VersionDefinition
from sluicegate.apidef.gotypes import NIL_MAP, GoStruct, Int64, Omit, Uint64


class APIDefinition(GoStruct, frozen=True, rename={"cors": "CORS"}):
    """A classic API definition (contract 02.1)."""

    id: str = ""  # Mongo object id (hex); used as secondary lookup id for looping
    name: str = ""  # API name; what comes after " #" are categories
    expiration: str = ""  # YYYY-MM-DD HH:MM; empty none
    slug: str = ""  # URL slug (URL versioning prefix, cloud)
    listen_port: int = 0  # own port, 0 = gateway port
    protocol: str = ""  # "" / http / https / h2c / tcp / tls
    enable_proxy_protocol: bool = False  # PROXY protocol v1/v2 on the listener
    json_rpc_version: str = ""  # 2.0 for MCP
    application_protocol: str = ""  # mcp marks a native MCP proxy
    api_id: str = ""  # key everywhere
    org_id: str = ""  # owner
    use_keyless: bool = False  # no auth
    use_oauth2: bool = False  # built-in OAuth2 server
    external_oauth: ExternalOAuth = ExternalOAuth()  # external OAuth (JWT or introspection)
    use_openid: bool = False  # OIDC
    openid_options: OpenIDOptions = OpenIDOptions()
    oauth_meta: Oauth2Meta = Oauth2Meta()
    auth: AuthConfig = AuthConfig()
    auth_configs: Mapping[str, AuthConfig] = NIL_MAP
    use_basic_auth: bool = False  # basic auth
    basic_auth: BasicAuth = BasicAuth()
    use_mutual_tls_auth: bool = False  # static client cert allow list
    client_certificates: Sequence[str] = ()  # cert ids allowed
    upstream_certificates: Mapping[str, str] = NIL_MAP  # domain -> cert id
    upstream_certificates_disabled: bool = False
    pinned_public_keys: Mapping[str, str] = NIL_MAP  # domain -> comma list of SHA256 fingerprints / key ids
    certificate_pinning_disabled: bool = False
    enable_jwt: bool = False  # JWT auth
    use_standard_auth: bool = False  # auth token
    use_go_plugin_auth: bool = False  # custom auth: Go plugin
    enable_coprocess_auth: bool = False  # custom auth: coprocess
    custom_plugin_auth_enabled: bool = False  # custom auth, driver from custom_middleware.driver
    jwt_signing_method: str = ""  # hmac, rsa, ecdsa; empty = per-kid key mode
    jwt_source: str = ""  # base64 of key / JWKS URL / inline, empty = session secret
    jwt_jwks_uris: Sequence[JWK] = ()  # list of {url, cache_timeout}
    jwt_identity_base_field: str = ""  # claim for identity (default sub)
    jwt_client_base_field: str = ""
    jwt_policy_field_name: str = ""  # claim with policy id
    jwt_default_policies: Sequence[str] = ()  # fallback policies
    jwt_issued_at_validation_skew: Uint64 = 0  # s
    jwt_expires_at_validation_skew: Uint64 = 0  # s
    jwt_not_before_validation_skew: Uint64 = 0  # s
    jwt_skip_kid: bool = False  # ignore kid for identity
    scopes: Scopes = Scopes()  # {jwt:{scope_claim_name, scope_to_policy}, oidc:{...}}
    idp_client_id_mapping_disabled: bool = False  # do not map azp/client id to OAuth client policy
    jwt_scope_to_policy_mapping: Mapping[str, str] = NIL_MAP  # deprecated
    jwt_scope_claim_name: str = ""  # deprecated
    notifications: NotificationsManager = NotificationsManager()
    enable_signature_checking: bool = False  # HMAC/http signature auth
    hmac_allowed_clock_skew: float = 0.0  # ms; 0/-1 = no check
    hmac_allowed_algorithms: Sequence[str] = ()  # e.g. hmac-sha1, hmac-sha256, hmac-sha384, hmac-sha512, rsa-sha256
    request_signing: RequestSigningMeta = RequestSigningMeta()  # sign upstream requests
    base_identity_provided_by: str = ""
    definition: VersionDefinition = VersionDefinition()  # versioning definition
    version_data: VersionData = VersionData()  # versions
    uptime_tests: UptimeTests = UptimeTests()  # see 09
    proxy: ProxyConfig = ProxyConfig()  # upstream
    disable_rate_limit: bool = False  # skip rate limits
    disable_quota: bool = False  # skip quotas
    custom_middleware: MiddlewareSection = MiddlewareSection()  # plugins
    custom_middleware_bundle: str = ""  # bundle name
    custom_middleware_bundle_disabled: bool = False
    cache_options: CacheOptions = CacheOptions()  # cache
    session_lifetime_respects_key_expiration: bool = False  # see 03
    session_lifetime: Int64 = 0  # key TTL s
    active: bool = False
    internal: bool = False  # only reachable by looping
    auth_provider: AuthProviderMeta = AuthProviderMeta()  # {name, storage_engine, meta}
    session_provider: SessionProviderMeta = SessionProviderMeta()  # same
    event_handlers: EventHandlerMetaConfig = EventHandlerMetaConfig()  # {events:{NAME:[{handler_name, handler_meta}]}}
    enable_batch_request_support: bool = False  # POST <listen>/tyk/batch/
    enable_ip_whitelisting: bool = False
    allowed_ips: Sequence[str] = ()  # IP or CIDR
    enable_ip_blacklisting: bool = False
    blacklisted_ips: Sequence[str] = ()  # IP or CIDR
    ip_access_control_disabled: bool = False
    dont_set_quota_on_create: bool = False  # do not reset quota on key create/update
    expire_analytics_after: Int64 = 0  # s; analytics record expiry
    response_processors: Sequence[ResponseProcessor] = ()  # [{name, options}]
    cors: CORSConfig = CORSConfig()  # note upper-case key
    domain: str = ""  # custom domain (host template)
    domain_disabled: bool = False
    certificates: Sequence[str] = ()  # server cert ids for the domain
    do_not_track: bool = False  # no analytics
    enable_context_vars: bool = False  # request context variables
    config_data: Mapping[str, Any] = NIL_MAP  # free map for plugins
    config_data_disabled: bool = False
    tag_headers: Sequence[str] = ()  # headers -> analytics tags
    global_rate_limit: GlobalRateLimit = GlobalRateLimit()  # {rate, per, disabled}
    strip_auth_data: bool = False  # remove credentials before upstream
    enable_detailed_recording: bool = False  # record wire data
    graphql: GraphQLConfig = GraphQLConfig()  # see 10
    analytics_plugin: AnalyticsPluginConfig = AnalyticsPluginConfig()  # {enable, plugin_path, func_name}
    tags_disabled: bool = False
    tags: Sequence[str] = ()  # gateway segment tags AND analytics tags
    is_oas: bool = False  # companion OAS doc exists
    detailed_tracing: bool = False  # OTel span per middleware
    upstream_auth: UpstreamAuth = UpstreamAuth()  # basic/oauth to upstream (EE)
    security_requirements: Sequence[Sequence[str]] = ()  # list of AND-groups (OAS)
    security_requirement_scopes: Sequence[Mapping[str, Sequence[str]]] = ()
    error_overrides: Mapping[str, Sequence[ErrorOverride]] = NIL_MAP  # see 06
    error_overrides_disabled: bool = False
    limits_on_store_failure: Omit[str] = ""  # beyond what Tyk has: local, open, closed; empty: as the settings say
