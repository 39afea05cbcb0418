"""Who may call: `x-tyk-api-gateway.server.authentication` (contract 02.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.gotypes import NIL_MAP, NO_TIME, Duration, GoStruct, Omit
from sluicegate.apidef.oas.upstream_auth import AuthSource


class CertificateAuth(GoStruct, frozen=True):
    """At `server.authentication.certificateAuth`."""

    enabled: bool = False  # auth_configs["authToken"].use_certificate


class CustomKeyLifetime(GoStruct, frozen=True):
    """At `server.authentication.customKeyLifetime`."""

    enabled: Omit[bool] = False
    value: Duration = NO_TIME  # session_lifetime
    respectValidity: Omit[bool] = False  # session_lifetime_respects_key_expiration


class IDExtractorConfig(GoStruct, frozen=True):
    """At `server.authentication.custom.config.idExtractor.config`."""

    headerName: Omit[str] = ""  # custom_middleware.id_extractor.extractor_config.header_name
    formParamName: Omit[str] = ""  # custom_middleware.id_extractor.extractor_config.form_param_name
    regexp: Omit[str] = ""  # custom_middleware.id_extractor.extractor_config.regex_expression
    regexpMatchIndex: Omit[int] = 0  # custom_middleware.id_extractor.extractor_config.regex_match_index
    xPathExp: Omit[str] = ""  # custom_middleware.id_extractor.extractor_config.xpath_expression


class IDExtractor(GoStruct, frozen=True, rename={"with_": "with"}):
    """At `server.authentication.custom.config.idExtractor`."""

    enabled: bool = False  # custom_middleware.id_extractor.disabled
    source: str = ""  # custom_middleware.id_extractor.extract_from
    with_: str = ""  # custom_middleware.id_extractor.extract_with
    config: IDExtractorConfig | None = None  # custom_middleware.id_extractor.extractor_config


class AuthenticationPlugin(GoStruct, frozen=True):
    """At `server.authentication.custom.config`."""

    enabled: bool = False  # custom_middleware.auth_check.disabled
    functionName: str = ""  # custom_middleware.auth_check.name
    path: str = ""  # custom_middleware.auth_check.path
    rawBodyOnly: Omit[bool] = False  # custom_middleware.auth_check.raw_body_only
    requireSession: Omit[bool] = False  # custom_middleware.auth_check.require_session
    idExtractor: Omit[IDExtractor | None] = None  # custom_middleware.id_extractor


class CustomPluginAuthentication(GoStruct, frozen=True):
    """At `server.authentication.custom`."""

    enabled: bool = False  # enable_coprocess_auth, use_go_plugin_auth
    config: Omit[AuthenticationPlugin | None] = None  # custom_middleware.auth_check
    header: Omit[AuthSource | None] = None  # auth_configs[x].header
    cookie: Omit[AuthSource | None] = None  # auth_configs[x].cookie
    query: Omit[AuthSource | None] = None  # auth_configs[x].query


class HMAC(GoStruct, frozen=True):
    """At `server.authentication.hmac`."""

    enabled: bool = False  # enable_signature_checking
    header: Omit[AuthSource | None] = None  # auth_configs[x].header
    cookie: Omit[AuthSource | None] = None  # auth_configs[x].cookie
    query: Omit[AuthSource | None] = None  # auth_configs[x].query
    allowedAlgorithms: Omit[Sequence[str]] = ()  # hmac_allowed_algorithms
    allowedClockSkew: Omit[float] = 0.0  # hmac_allowed_clock_skew


class ClientToPolicy(GoStruct, frozen=True):
    """At `server.authentication.oidc.providers[].clientToPolicyMapping[]`."""

    clientId: Omit[str] = ""  # openid_options.providers[].client_ids
    policyId: Omit[str] = ""  # openid_options.providers[].client_ids


class Provider(GoStruct, frozen=True):
    """At `server.authentication.oidc.providers[]`."""

    issuer: Omit[str] = ""  # openid_options.providers[].issuer
    clientToPolicyMapping: Omit[Sequence[ClientToPolicy]] = ()  # openid_options.providers[].client_ids


class ScopeToPolicy(GoStruct, frozen=True):
    """At `server.authentication.oidc.scopes.scopeToPolicyMapping[]`."""

    scope: Omit[str] = ""  # scopes.oidc.scope_to_policy, scopes.jwt.scope_to_policy
    policyId: Omit[str] = ""  # scopes.oidc.scope_to_policy, scopes.jwt.scope_to_policy


class Scopes(GoStruct, frozen=True):
    """At `server.authentication.oidc.scopes`."""

    claimName: Omit[str] = ""  # scopes.oidc.scope_claim_name, scopes.jwt.scope_claim_name
    claims: Omit[Sequence[str]] = ()
    scopeToPolicyMapping: Omit[Sequence[ScopeToPolicy]] = ()  # scopes.oidc.scope_to_policy, scopes.jwt.scope_to_policy


class OIDC(GoStruct, frozen=True):
    """At `server.authentication.oidc`."""

    enabled: bool = False  # use_openid
    header: Omit[AuthSource | None] = None  # auth_configs[x].header
    cookie: Omit[AuthSource | None] = None  # auth_configs[x].cookie
    query: Omit[AuthSource | None] = None  # auth_configs[x].query
    segregateByClientId: Omit[bool] = False  # openid_options.segregate_by_client
    providers: Omit[Sequence[Provider]] = ()  # openid_options.providers
    scopes: Omit[Scopes | None] = None


class ProtectedResourceMetadata(GoStruct, frozen=True):
    """At `server.authentication.protectedResourceMetadata`."""

    enabled: bool = False
    wellKnownPath: Omit[str] = ""
    resource: Omit[str] = ""
    authorizationServers: Omit[Sequence[str]] = ()
    scopesSupported: Omit[Sequence[str]] = ()


class Authentication(GoStruct, frozen=True):
    """At `server.authentication`."""

    enabled: bool = False  # not use_keyless
    stripAuthorizationData: Omit[bool] = False  # strip_auth_data
    baseIdentityProvider: Omit[str] = ""  # base_identity_provided_by
    hmac: Omit[HMAC | None] = None  # auth_configs["hmac"]
    oidc: Omit[OIDC | None] = None  # auth_configs["oidc"]
    custom: Omit[CustomPluginAuthentication | None] = None  # auth_configs["coprocess"]
    securitySchemes: Omit[Mapping[str, Any]] = NIL_MAP
    customKeyLifetime: Omit[CustomKeyLifetime | None] = None
    securityProcessingMode: Omit[str] = ""
    security: Omit[Sequence[Sequence[str]]] = ()
    protectedResourceMetadata: Omit[ProtectedResourceMetadata | None] = None
    certificateAuth: Omit[CertificateAuth | None] = None
