"""Who may call, and how the gateway calls on: the authentication parts of a classic definition (contract 02.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.gotypes import NIL_MAP, NO_TIME, Duration, GoStruct, Int64, Omit, Uint64


class SignatureConfig(GoStruct, frozen=True):
    """At `auth.signature`."""

    algorithm: str = ""
    header: str = ""
    use_param: bool = False
    param_name: str = ""
    secret: str = ""
    allowed_clock_skew: Int64 = 0
    error_code: int = 0
    error_message: str = ""


class AuthConfig(GoStruct, frozen=True):
    """At `auth`."""

    name: str = ""
    use_param: bool = False
    param_name: str = ""
    use_cookie: bool = False
    cookie_name: str = ""
    disable_header: bool = False
    auth_header_name: str = ""
    use_certificate: bool = False
    validate_signature: bool = False
    signature: Omit[SignatureConfig] = SignatureConfig()


class BasicAuth(GoStruct, frozen=True):
    """At `basic_auth`."""

    disable_caching: bool = False
    cache_ttl: int = 0
    extract_from_body: bool = False
    body_user_regexp: str = ""
    body_password_regexp: str = ""


class Oauth2Meta(GoStruct, frozen=True):
    """At `oauth_meta`."""

    allowed_access_types: Sequence[str] = ()
    allowed_authorize_types: Sequence[str] = ()
    auth_login_redirect: str = ""


class OIDProviderConfig(GoStruct, frozen=True):
    """At `openid_options.providers[]`."""

    issuer: str = ""
    client_ids: Mapping[str, str] = NIL_MAP


class OpenIDOptions(GoStruct, frozen=True):
    """At `openid_options`."""

    providers: Sequence[OIDProviderConfig] = ()
    segregate_by_client: bool = False


class ScopeClaim(GoStruct, frozen=True):
    """At `scopes.jwt`."""

    scope_claim_name: Omit[str] = ""
    scope_to_policy: Omit[Mapping[str, str]] = NIL_MAP


class Scopes(GoStruct, frozen=True):
    """At `scopes`."""

    jwt: Omit[ScopeClaim] = ScopeClaim()
    oidc: Omit[ScopeClaim] = ScopeClaim()


class JWK(GoStruct, frozen=True):
    """At `jwt_jwks_uris[]`."""

    url: str = ""
    cache_timeout: Duration = NO_TIME


class IntrospectionCache(GoStruct, frozen=True):
    """At `external_oauth.providers[].introspection.cache`."""

    enabled: bool = False
    timeout: Int64 = 0


class Introspection(GoStruct, frozen=True):
    """At `external_oauth.providers[].introspection`."""

    enabled: bool = False
    url: str = ""
    client_id: str = ""
    client_secret: str = ""
    identity_base_field: str = ""
    cache: IntrospectionCache = IntrospectionCache()


class JWTValidation(GoStruct, frozen=True):
    """At `external_oauth.providers[].jwt`."""

    enabled: bool = False
    signing_method: str = ""
    source: str = ""
    issued_at_validation_skew: Uint64 = 0
    not_before_validation_skew: Uint64 = 0
    expires_at_validation_skew: Uint64 = 0
    identity_base_field: str = ""


class Provider(GoStruct, frozen=True):
    """At `external_oauth.providers[]`."""

    jwt: JWTValidation = JWTValidation()
    introspection: Introspection = Introspection()


class ExternalOAuth(GoStruct, frozen=True):
    """At `external_oauth`."""

    enabled: bool = False
    providers: Sequence[Provider] = ()


class NotificationsManager(GoStruct, frozen=True):
    """At `notifications`."""

    shared_secret: str = ""
    oauth_on_keychange_url: str = ""


class RequestSigningMeta(GoStruct, frozen=True):
    """At `request_signing`."""

    is_enabled: bool = False
    secret: str = ""
    key_id: str = ""
    algorithm: str = ""
    header_list: Sequence[str] = ()
    certificate_id: str = ""
    signature_header: str = ""


class AuthSource(GoStruct, frozen=True):
    """At `upstream_auth.basic_auth.header`."""

    enabled: bool = False
    name: str = ""


class UpstreamBasicAuth(GoStruct, frozen=True):
    """At `upstream_auth.basic_auth`."""

    enabled: Omit[bool] = False
    username: str = ""
    password: str = ""
    header: AuthSource = AuthSource()


class ClientCredentials(GoStruct, frozen=True):
    """At `upstream_auth.oauth.client_credentials`."""

    client_id: str = ""
    client_secret: Omit[str] = ""
    method: Omit[str] = ""
    header: AuthSource = AuthSource()
    token_url: str = ""
    scopes: Omit[Sequence[str]] = ()
    extra_metadata: Omit[Sequence[str]] = ()


class PasswordAuthentication(GoStruct, frozen=True):
    """At `upstream_auth.oauth.password`."""

    client_id: str = ""
    client_secret: Omit[str] = ""
    method: Omit[str] = ""
    header: AuthSource = AuthSource()
    username: str = ""
    password: str = ""
    token_url: str = ""
    scopes: Omit[Sequence[str]] = ()
    extra_metadata: Omit[Sequence[str]] = ()


class UpstreamOAuth(GoStruct, frozen=True):
    """At `upstream_auth.oauth`."""

    enabled: bool = False
    allowed_authorize_types: Sequence[str] = ()
    client_credentials: ClientCredentials = ClientCredentials()
    password: Omit[PasswordAuthentication] = PasswordAuthentication()


class UpstreamAuth(GoStruct, frozen=True):
    """At `upstream_auth`."""

    enabled: bool = False
    basic_auth: UpstreamBasicAuth = UpstreamBasicAuth()
    oauth: UpstreamOAuth = UpstreamOAuth()


class AuthProviderMeta(GoStruct, frozen=True):
    """At `auth_provider`."""

    name: str = ""
    storage_engine: str = ""
    meta: Mapping[str, Any] = NIL_MAP


class SessionProviderMeta(GoStruct, frozen=True):
    """At `session_provider`."""

    name: str = ""
    storage_engine: str = ""
    meta: Mapping[str, Any] = NIL_MAP
