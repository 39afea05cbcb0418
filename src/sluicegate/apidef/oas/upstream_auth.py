"""How the gateway names itself to the upstream: `x-tyk-api-gateway.upstream.authentication` (contract 02.8)."""

from __future__ import annotations

from collections.abc import Sequence

from sluicegate.apidef.gotypes import GoStruct, Omit


class AuthSource(GoStruct, frozen=True):
    """At `upstream.authentication.basicAuth.header`."""

    enabled: bool = False  # auth_configs[X].use_param/use_cookie
    name: Omit[str] = ""  # auth_configs[X].param_name/cookie_name


class UpstreamBasicAuth(GoStruct, frozen=True):
    """At `upstream.authentication.basicAuth`."""

    enabled: bool = False
    header: Omit[AuthSource | None] = None
    username: str = ""
    password: str = ""


class ClientCredentials(GoStruct, frozen=True):
    """At `upstream.authentication.oauth.clientCredentials`."""

    clientId: str = ""
    clientSecret: Omit[str] = ""
    method: Omit[str] = ""  # upstream_auth.oauth.client_credentials.method, upstream_auth.oauth.password.method
    header: AuthSource | None = None
    tokenUrl: str = ""
    scopes: Omit[Sequence[str]] = ()
    extraMetadata: Omit[Sequence[str]] = ()


class PasswordAuthentication(GoStruct, frozen=True):
    """At `upstream.authentication.oauth.password`."""

    clientId: str = ""
    clientSecret: Omit[str] = ""
    method: Omit[str] = ""  # upstream_auth.oauth.client_credentials.method, upstream_auth.oauth.password.method
    header: AuthSource | None = None
    username: str = ""
    password: str = ""
    tokenUrl: str = ""
    scopes: Omit[Sequence[str]] = ()
    extraMetadata: Omit[Sequence[str]] = ()


class UpstreamOAuth(GoStruct, frozen=True):
    """At `upstream.authentication.oauth`."""

    enabled: bool = False
    allowedAuthorizeTypes: Sequence[str] = ()
    clientCredentials: Omit[ClientCredentials | None] = None
    password: Omit[PasswordAuthentication | None] = None


class UpstreamRequestSigning(GoStruct, frozen=True):
    """At `upstream.authentication.requestSigning`."""

    enabled: bool = False
    signatureHeader: Omit[str] = ""
    algorithm: Omit[str] = ""
    keyId: Omit[str] = ""
    headers: Omit[Sequence[str]] = ()
    secret: Omit[str] = ""
    certificateId: Omit[str] = ""


class UpstreamAuth(GoStruct, frozen=True):
    """At `upstream.authentication`."""

    enabled: bool = False
    basicAuth: Omit[UpstreamBasicAuth | None] = None
    oauth: Omit[UpstreamOAuth | None] = None
    requestSigning: Omit[UpstreamRequestSigning | None] = None
