"""The security schemes: `x-tyk-api-gateway.server.authentication.securitySchemes{}` (contract 02.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.gotypes import NIL_MAP, NO_TIME, Duration, GoStruct, Int64, Omit, Uint64
from sluicegate.apidef.oas.authentication import Scopes
from sluicegate.apidef.oas.upstream_auth import AuthSource


class Signature(GoStruct, frozen=True):
    """Part of a security scheme."""

    enabled: bool = False  # auth_configs[X].validate_signature
    algorithm: Omit[str] = ""  # auth_configs[X].signature.algorithm
    header: Omit[str] = ""  # auth_configs[X].signature.header
    query: Omit[AuthSource] = AuthSource()  # auth_configs[X].signature.use_param/param_name
    secret: Omit[str] = ""  # auth_configs[X].signature.secret
    allowedClockSkew: Omit[Int64] = 0  # auth_configs[X].signature.allowed_clock_skew
    errorCode: Omit[int] = 0  # auth_configs[X].signature.error_code
    errorMessage: Omit[str] = ""  # auth_configs[X].signature.error_message


class Token(GoStruct, frozen=True):
    """A token scheme: in `server.authentication.securitySchemes{}`."""

    enabled: bool | None = None  # auth_configs["authToken"].use_standard_auth
    header: Omit[AuthSource | None] = None  # auth_configs[x].header
    cookie: Omit[AuthSource | None] = None  # auth_configs[x].cookie
    query: Omit[AuthSource | None] = None  # auth_configs[x].query
    enableClientCertificate: Omit[bool] = False  # auth_configs["authToken"].use_certificate
    signatureValidation: Omit[Signature | None] = None  # auth_configs["authToken"].use_certificate


class CustomClaimValidationConfig(GoStruct, frozen=True):
    """Part of a security scheme."""

    type: str = ""
    allowedValues: Omit[Sequence[Any]] = ()
    nonBlocking: Omit[bool] = False


class JTIValidation(GoStruct, frozen=True):
    """Part of a security scheme."""

    enabled: bool = False


class JWK(GoStruct, frozen=True):
    """Part of a security scheme."""

    url: str = ""
    cacheTimeout: Duration = NO_TIME


class JWT(GoStruct, frozen=True):
    """A JWT scheme: in `server.authentication.securitySchemes{}`."""

    enabled: bool = False  # enable_jwt
    header: Omit[AuthSource | None] = None  # auth_configs[x].header
    cookie: Omit[AuthSource | None] = None  # auth_configs[x].cookie
    query: Omit[AuthSource | None] = None  # auth_configs[x].query
    source: Omit[str] = ""  # jwt_source
    jwksURIs: Omit[Sequence[JWK]] = ()
    signingMethod: Omit[str] = ""  # jwt_signing_method
    identityBaseField: Omit[str] = ""  # jwt_identity_base_field
    subjectClaims: Omit[Sequence[str]] = ()
    skipKid: Omit[bool] = False  # jwt_skip_kid
    policyFieldName: Omit[str] = ""  # jwt_policy_field_name
    basePolicyClaims: Omit[Sequence[str]] = ()
    clientBaseField: Omit[str] = ""  # jwt_client_base_field
    scopes: Omit[Scopes | None] = None
    defaultPolicies: Omit[Sequence[str]] = ()  # jwt_default_policies
    issuedAtValidationSkew: Omit[Uint64] = 0  # jwt_issued_at_validation_skew
    notBeforeValidationSkew: Omit[Uint64] = 0  # jwt_not_before_validation_skew
    expiresAtValidationSkew: Omit[Uint64] = 0  # jwt_expires_at_validation_skew
    allowedIssuers: Omit[Sequence[str]] = ()
    allowedAudiences: Omit[Sequence[str]] = ()
    jtiValidation: Omit[JTIValidation] = JTIValidation()
    allowedSubjects: Omit[Sequence[str]] = ()
    idpClientIdMappingDisabled: Omit[bool] = False  # idp_client_id_mapping_disabled
    customClaimValidation: Omit[Mapping[str, CustomClaimValidationConfig]] = NIL_MAP


class ExtractCredentialsFromBody(GoStruct, frozen=True):
    """Part of a security scheme."""

    enabled: bool = False  # basic_auth.extract_from_body
    userRegexp: Omit[str] = ""  # basic_auth.userRegexp
    passwordRegexp: Omit[str] = ""  # basic_auth.passwordRegexp


class Basic(GoStruct, frozen=True):
    """A basic auth scheme: in `server.authentication.securitySchemes{}`."""

    enabled: bool = False  # use_basic_auth
    header: Omit[AuthSource | None] = None  # auth_configs[x].header
    cookie: Omit[AuthSource | None] = None  # auth_configs[x].cookie
    query: Omit[AuthSource | None] = None  # auth_configs[x].query
    disableCaching: Omit[bool] = False  # basic_auth.disable_caching
    cacheTTL: Omit[int] = 0  # basic_auth.cache_ttl
    extractCredentialsFromBody: Omit[ExtractCredentialsFromBody | None] = None


class Notifications(GoStruct, frozen=True):
    """Part of a security scheme."""

    sharedSecret: Omit[str] = ""  # notifications.shared_secret
    onKeyChangeUrl: Omit[str] = ""  # notifications.oauth_on_keychange_url


class OAuth(GoStruct, frozen=True):
    """A scheme of the built-in OAuth server: in `server.authentication.securitySchemes{}`."""

    enabled: bool = False  # use_oauth2
    header: Omit[AuthSource | None] = None  # auth_configs[x].header
    cookie: Omit[AuthSource | None] = None  # auth_configs[x].cookie
    query: Omit[AuthSource | None] = None  # auth_configs[x].query
    allowedAuthorizeTypes: Omit[Sequence[str]] = ()  # oauth_meta.allowed_authorize_types
    refreshToken: Omit[bool] = False  # oauth_meta.allowed_access_types
    authLoginRedirect: Omit[str] = ""  # oauth_meta.auth_login_redirect
    notifications: Omit[Notifications | None] = None  # notifications


class IntrospectionCache(GoStruct, frozen=True):
    """Part of a security scheme."""

    enabled: bool = False  # external_oauth.providers[].introspection.cache.enabled
    timeout: Int64 = 0  # external_oauth.providers[].introspection.cache.timeout


class Introspection(GoStruct, frozen=True):
    """Part of a security scheme."""

    enabled: bool = False  # external_oauth.providers[].introspection.enabled
    url: str = ""  # external_oauth.providers[].introspection.url
    clientId: str = ""  # external_oauth.providers[].introspection.client_id
    clientSecret: str = ""  # external_oauth.providers[].introspection.client_secret
    identityBaseField: Omit[str] = ""  # external_oauth.providers[].introspection.identity_base_field
    cache: Omit[IntrospectionCache | None] = None  # external_oauth.providers[].introspection.cache


class JWTValidation(GoStruct, frozen=True):
    """Part of a security scheme."""

    enabled: bool = False  # external_oauth.providers[].jwt.enabled
    signingMethod: str = ""  # external_oauth.providers[].jwt.signing_method
    source: str = ""  # external_oauth.providers[].jwt.source
    identityBaseField: Omit[str] = ""  # external_oauth.providers[].jwt.identity_base_field
    issuedAtValidationSkew: Omit[Uint64] = 0  # external_oauth.providers[].jwt.issued_at_validation_skew
    notBeforeValidationSkew: Omit[Uint64] = 0  # external_oauth.providers[].jwt.not_before_validation_skew
    expiresAtValidationSkew: Omit[Uint64] = 0  # external_oauth.providers[].jwt.expires_at_validation_skew


class OAuthProvider(GoStruct, frozen=True):
    """Part of a security scheme."""

    jwt: Omit[JWTValidation | None] = None  # external_oauth.providers[].jwt
    introspection: Omit[Introspection | None] = None  # external_oauth.providers[].introspection


class ExternalOAuth(GoStruct, frozen=True):
    """A scheme of tokens that others issue: in `server.authentication.securitySchemes{}`."""

    enabled: bool = False  # external_oauth.enabled
    header: Omit[AuthSource | None] = None  # auth_configs[x].header
    cookie: Omit[AuthSource | None] = None  # auth_configs[x].cookie
    query: Omit[AuthSource | None] = None  # auth_configs[x].query
    providers: Sequence[OAuthProvider] = ()  # external_oauth.providers


class OAuth2PRM(GoStruct, frozen=True):
    """Part of a security scheme."""

    enabled: bool = False
    wellKnownPath: Omit[str] = ""
    resource: Omit[str] = ""
    authorizationServers: Omit[Sequence[str]] = ()
    autoDeriveScopes: Omit[bool | None] = None


class OAuth2ScopeCheck(GoStruct, frozen=True):
    """Part of a security scheme."""

    enabled: bool = False
    claimNames: Omit[Sequence[str]] = ()
    separator: Omit[str] = ""
    scopeSource: Omit[str] = ""


class OAuth2ClientAuth(GoStruct, frozen=True):
    """Part of a security scheme."""

    method: Omit[str] = ""
    clientId: Omit[str] = ""
    clientSecret: Omit[str] = ""
    certId: Omit[str] = ""


class OAuth2DefaultTarget(GoStruct, frozen=True):
    """Part of a security scheme."""

    audience: Omit[str] = ""
    scopes: Omit[Sequence[str]] = ()


class OAuth2ExchangeCache(GoStruct, frozen=True):
    """Part of a security scheme."""

    enabled: bool = False
    mode: Omit[str] = ""
    maxTimeout: Omit[Duration] = NO_TIME
    timeout: Omit[Duration] = NO_TIME
    safetyMargin: Omit[Duration] = NO_TIME


class OAuth2TokenExchangeProvider(GoStruct, frozen=True):
    """Part of a security scheme."""

    name: str = ""
    grantType: Omit[str] = ""
    issuers: Omit[Sequence[str]] = ()
    tokenEndpoint: Omit[str] = ""
    clientAuth: Omit[OAuth2ClientAuth | None] = None
    defaultTarget: Omit[OAuth2DefaultTarget | None] = None
    timeout: Omit[Duration] = NO_TIME
    customParams: Omit[Mapping[str, str]] = NIL_MAP
    cache: Omit[OAuth2ExchangeCache | None] = None


class OAuth2TokenExchange(GoStruct, frozen=True):
    """Part of a security scheme."""

    enabled: bool = False
    providers: Omit[Sequence[OAuth2TokenExchangeProvider]] = ()


class OAuth2(GoStruct, frozen=True):
    """A scheme of OAuth 2 tokens with their scopes: in `server.authentication.securitySchemes{}`."""

    enabled: bool = False
    header: Omit[AuthSource | None] = None  # auth_configs[x].header
    cookie: Omit[AuthSource | None] = None  # auth_configs[x].cookie
    query: Omit[AuthSource | None] = None  # auth_configs[x].query
    scopeCheck: Omit[OAuth2ScopeCheck | None] = None
    protectedResourceMetadata: Omit[OAuth2PRM | None] = None
    tokenExchange: Omit[OAuth2TokenExchange | None] = None


class OAuth2Exchange(GoStruct, frozen=True):
    """At `middleware.operations{}.exchange`."""

    enabled: Omit[bool | None] = None
    audience: Omit[str] = ""
    scopes: Omit[Sequence[str]] = ()
