"""A session: the rights and counters of a key, as Tyk stores them (contract 03.1, 03.2).

A session that is in use has its policies applied and is shared by all requests of its key: nobody changes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.gotypes import NIL_MAP, GoStruct, Int64, Internal, Omit


class RateLimitSmoothing(GoStruct, frozen=True):
    """A rate limit that moves with the traffic (contract 07.9)."""

    enabled: bool = False
    threshold: Int64 = 0  # requests; where it starts, and its floor
    trigger: float = 0.0  # fraction of a step
    step: Int64 = 0  # requests
    delay: Int64 = 0  # s between two moves


class APILimit(GoStruct, frozen=True):
    """Limits of one API in a key or policy: at `access_rights{}.limit`."""

    rate: Omit[float] = 0.0  # requests
    per: Omit[float] = 0.0  # s
    smoothing: Omit[RateLimitSmoothing | None] = None
    throttle_interval: Omit[float] = 0.0  # s; <= 0 is off
    throttle_retry_limit: Omit[int] = 0  # <= 0 is off
    max_query_depth: Omit[int] = 0
    quota_max: Omit[Int64] = 0  # -1 is unlimited
    quota_renews: Omit[Int64] = 0  # Unix time, s
    quota_remaining: Omit[Int64] = 0
    quota_renewal_rate: Omit[Int64] = 0  # s; <= 0 never renews
    set_by: Internal[str] = ""  # the policy or API whose limits these are; "" when no policy set them

    @property
    def is_empty(self) -> bool:
        """Whether nothing is limited here, so that the session's own limits count (contract 03.2)."""
        return not (
            self.set_by
            or self.rate
            or self.per
            or self.throttle_interval
            or self.throttle_retry_limit
            or self.max_query_depth
            or self.quota_max
            or self.quota_renews
            or self.quota_remaining
            or self.quota_renewal_rate
        )


class RateLimit(GoStruct, frozen=True):
    """Requests per seconds, without a quota."""

    rate: Omit[float] = 0.0
    per: Omit[float] = 0.0
    smoothing: Omit[RateLimitSmoothing | None] = None


class AccessSpec(GoStruct, frozen=True):
    """A path that a key may use, with its methods: at `access_rights{}.allowed_urls[]`."""

    url: str = ""
    methods: Sequence[str] = ()


class GraphQLType(GoStruct, frozen=True):
    """Fields of a GraphQL type: at `restricted_types[]` and `allowed_types[]`."""

    name: str = ""
    fields: Sequence[str] = ()


class FieldLimits(GoStruct, frozen=True):
    """At `field_access_rights[].limits`."""

    max_query_depth: int = 0


class FieldAccessDefinition(GoStruct, frozen=True):
    """At `field_access_rights[]`."""

    type_name: str = ""
    field_name: str = ""
    limits: FieldLimits = FieldLimits()


class EndpointMethod(GoStruct, frozen=True):
    """At `endpoints[].methods[]`."""

    name: str = ""
    limit: RateLimit = RateLimit()


class Endpoint(GoStruct, frozen=True):
    """Rate limits of one path: at `endpoints[]`."""

    path: str = ""
    methods: Sequence[EndpointMethod] = ()


class JSONRPCMethodLimit(GoStruct, frozen=True):
    """At `json_rpc_methods[]`."""

    name: str = ""
    limit: RateLimit = RateLimit()


class MCPPrimitiveLimit(GoStruct, frozen=True):
    """At `mcp_primitives[]`."""

    type: str = ""
    name: str = ""
    limit: RateLimit = RateLimit()


class AccessControlRules(GoStruct, frozen=True):
    """Names that are allowed and blocked."""

    allowed: Omit[Sequence[str]] = ()
    blocked: Omit[Sequence[str]] = ()


class MCPAccessRights(GoStruct, frozen=True):
    """At `mcp_access_rights`."""

    tools: Omit[AccessControlRules] = AccessControlRules()
    resources: Omit[AccessControlRules] = AccessControlRules()
    prompts: Omit[AccessControlRules] = AccessControlRules()


class AccessDefinition(GoStruct, frozen=True):
    """What a key may do with one API: at `access_rights{}` (contract 03.2)."""

    api_name: Omit[str] = ""
    api_id: Omit[str] = ""
    versions: Omit[Sequence[str]] = ()
    allowed_urls: Omit[Sequence[AccessSpec]] = ()
    restricted_types: Omit[Sequence[GraphQLType]] = ()
    allowed_types: Omit[Sequence[GraphQLType]] = ()
    limit: Omit[APILimit] = APILimit()
    field_access_rights: Omit[Sequence[FieldAccessDefinition]] = ()
    disable_introspection: Omit[bool] = False
    allowance_scope: Omit[str] = ""  # stands in the names of counters: `quota-<scope>-<hash>`
    endpoints: Omit[Sequence[Endpoint]] = ()
    json_rpc_methods: Omit[Sequence[JSONRPCMethodLimit]] = ()
    json_rpc_methods_access_rights: Omit[AccessControlRules] = AccessControlRules()
    mcp_primitives: Omit[Sequence[MCPPrimitiveLimit]] = ()
    mcp_access_rights: Omit[MCPAccessRights] = MCPAccessRights()


class BasicAuthData(GoStruct, frozen=True):
    """At `basic_auth_data`."""

    password: Omit[str] = ""
    hash_type: Omit[str] = ""  # "", bcrypt, sha256, murmur32, murmur64, murmur128


class JWTData(GoStruct, frozen=True):
    """At `jwt_data`."""

    secret: str = ""


class Monitor(GoStruct, frozen=True):
    """At `monitor`."""

    trigger_limits: Sequence[float] = ()  # percent of the quota


class Session(GoStruct, frozen=True):
    """A key's rights and counters (contract 03.1)."""

    last_check: Omit[Int64] = 0
    allowance: Omit[float] = 0.0
    rate: Omit[float] = 0.0  # requests
    per: Omit[float] = 0.0  # s
    throttle_interval: Omit[float] = 0.0  # s; <= 0 is off
    throttle_retry_limit: Omit[int] = 0  # <= 0 is off
    max_query_depth: Omit[int] = 0
    date_created: Omit[str] = ""  # RFC 3339
    expires: Omit[Int64] = 0  # Unix time, s; <= 0 is never
    quota_max: Omit[Int64] = 0  # -1 is unlimited
    quota_renews: Omit[Int64] = 0  # Unix time, s
    quota_remaining: Omit[Int64] = 0
    quota_renewal_rate: Omit[Int64] = 0  # s; <= 0 never renews
    access_rights: Omit[Mapping[str, AccessDefinition]] = NIL_MAP
    org_id: Omit[str] = ""
    oauth_client_id: Omit[str] = ""
    oauth_keys: Omit[Mapping[str, str]] = NIL_MAP
    certificate: Omit[str] = ""
    mtls_static_certificate_bindings: Omit[Sequence[str]] = ()
    basic_auth_data: Omit[BasicAuthData] = BasicAuthData()
    jwt_data: Omit[JWTData] = JWTData()
    hmac_enabled: Omit[bool] = False
    enable_http_signature_validation: Omit[bool] = False
    hmac_string: Omit[str] = ""
    rsa_certificate_id: Omit[str] = ""
    is_inactive: Omit[bool] = False
    apply_policy_id: Omit[str] = ""
    apply_policies: Omit[Sequence[str]] = ()
    data_expires: Omit[Int64] = 0  # s that analytics are kept
    monitor: Omit[Monitor] = Monitor()
    enable_detail_recording: Omit[bool] = False
    enable_detailed_recording: Omit[bool] = False
    meta_data: Omit[Mapping[str, Any]] = NIL_MAP
    tags: Omit[Sequence[str]] = ()
    alias: Omit[str] = ""
    last_updated: Omit[str] = ""  # Unix time, s, as text
    id_extractor_deadline: Omit[Int64] = 0
    session_lifetime: Omit[Int64] = 0  # s
    post_expiry_action: Omit[str] = ""  # retain, delete, ""
    post_expiry_grace_period: Omit[Int64] = 0  # s; -1 is for ever
    smoothing: Omit[RateLimitSmoothing | None] = None
