"""Security schemes of a document, and what they are in a classic definition (contract 02.8).

A scheme counts when a requirement names it: the first one, or with `securityProcessingMode` "compliant" any. What it is
stands in `components.securitySchemes`; how it is checked, in the extension under the same name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.gojson import convert
from sluicegate.apidef.oas.gateway import XTykAPIGateway
from sluicegate.apidef.oas.mapping import Tree
from sluicegate.apidef.oas.schemes import JWT, Basic, ExternalOAuth, OAuth, Token

COMPLIANT = "compliant"
_OAUTH2_ONLY = {"scopeCheck", "protectedResourceMetadata", "tokenExchange"}
"""With one of these a scheme is about tokens of another server, which no classic definition knows."""
_ACCESS_TYPES = {
    "authorizationCode": "authorization_code",
    "clientCredentials": "client_credentials",
    "password": "password",
}


def put_security(document: Mapping[str, Any], extension: XTykAPIGateway, classic: Tree) -> None:
    """Put the schemes that are in use into the classic tree. Raises ConfigError for one of the wrong shape."""
    for flag in ("use_standard_auth", "enable_jwt", "use_basic_auth", "use_oauth2"):
        classic[flag] = False
    classic["external_oauth"] = None
    authentication = extension.server.authentication
    if authentication is None:
        return
    requirements = _requirements(document)
    is_compliant = authentication.securityProcessingMode == COMPLIANT
    classic["security_requirements"] = None
    if is_compliant:
        classic["security_requirements"] = [*requirements, *(list(one) for one in authentication.security)]
    in_use = {name for one in (classic["security_requirements"] or requirements[:1]) for name in one}
    components = _schemes(document)
    for name, written in authentication.securitySchemes.items():
        if name in in_use and isinstance(components.get(name), dict):
            _put_scheme(name, components[name], written, classic)
    if authentication.certificateAuth is not None and authentication.certificateAuth.enabled:
        classic["use_standard_auth"] = True
        _configs(classic).setdefault("authToken", {})["use_certificate"] = True


def _requirements(document: Mapping[str, Any]) -> list[list[str]]:
    listed = document.get("security")
    return [list(one) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _schemes(document: Mapping[str, Any]) -> Mapping[str, Any]:
    components = document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    return schemes if isinstance(schemes, dict) else {}


def _configs(classic: Tree) -> Tree:
    if not isinstance(classic.get("auth_configs"), dict):
        classic["auth_configs"] = {}
    configs: Tree = classic["auth_configs"]
    return configs


def _put_scheme(name: str, component: Mapping[str, Any], written: Any, classic: Tree) -> None:
    kind, scheme = component.get("type"), str(component.get("scheme", "")).lower()
    if kind == "apiKey":
        _put_token(name, component, written, classic)
    elif kind == "http" and scheme == "bearer":
        _put_jwt(name, written, classic)
    elif kind == "http" and scheme == "basic":
        _put_basic(name, written, classic)
    elif kind == "oauth2" and isinstance(written, dict) and "providers" in written:
        _put_external_oauth(name, written, classic)
    elif kind == "oauth2" and not (isinstance(written, dict) and _OAUTH2_ONLY & written.keys()):
        _put_oauth(name, component, written, classic)


def _sources(name: str, said: Token | JWT | Basic | OAuth | ExternalOAuth) -> Tree:
    """Return an entry of `auth_configs`: where the credential may stand."""
    entry: Tree = {"name": name, "disable_header": said.header is None or not said.header.enabled}
    if said.header is not None:
        entry["auth_header_name"] = said.header.name
    if said.query is not None:
        entry |= {"use_param": said.query.enabled, "param_name": said.query.name}
    if said.cookie is not None:
        entry |= {"use_cookie": said.cookie.enabled, "cookie_name": said.cookie.name}
    return entry


def _put_token(name: str, component: Mapping[str, Any], written: Any, classic: Tree) -> None:
    said = convert(written, Token, f"securitySchemes.{name}")
    entry = _sources(name, said)
    entry["use_certificate"] = said.enableClientCertificate
    place, own_name = component.get("in"), component.get("name", "")
    if place == "header":
        entry |= {"disable_header": False, "auth_header_name": own_name}
    elif place == "query":
        entry |= {"use_param": True, "param_name": own_name}
    elif place == "cookie":
        entry |= {"use_cookie": True, "cookie_name": own_name}
    signature = said.signatureValidation
    if signature is not None:
        entry["validate_signature"] = signature.enabled
        entry["signature"] = {
            "algorithm": signature.algorithm,
            "header": signature.header,
            "use_param": signature.query.enabled,
            "param_name": signature.query.name,
            "secret": signature.secret,
            "allowed_clock_skew": signature.allowedClockSkew,
            "error_code": signature.errorCode,
            "error_message": signature.errorMessage,
        }
    classic["use_standard_auth"] = said.enabled is not False
    _configs(classic)["authToken"] = entry


def _put_jwt(name: str, written: Any, classic: Tree) -> None:
    said = convert(written, JWT, f"securitySchemes.{name}")
    scopes = said.scopes
    classic |= {
        "enable_jwt": said.enabled,
        "jwt_source": said.source,
        "jwt_jwks_uris": [{"url": one.url, "cache_timeout": str(one.cacheTimeout)} for one in said.jwksURIs],
        "jwt_signing_method": said.signingMethod,
        "jwt_identity_base_field": _first(said.identityBaseField, said.subjectClaims),
        "jwt_policy_field_name": _first(said.policyFieldName, said.basePolicyClaims),
        "jwt_client_base_field": said.clientBaseField,
        "jwt_skip_kid": said.skipKid,
        "jwt_default_policies": list(said.defaultPolicies),
        "jwt_issued_at_validation_skew": said.issuedAtValidationSkew,
        "jwt_not_before_validation_skew": said.notBeforeValidationSkew,
        "jwt_expires_at_validation_skew": said.expiresAtValidationSkew,
        "idp_client_id_mapping_disabled": said.idpClientIdMappingDisabled,
    }
    if scopes is not None:
        mapping = {one.scope: one.policyId for one in scopes.scopeToPolicyMapping}
        jwt = {"scope_claim_name": _first(scopes.claimName, scopes.claims), "scope_to_policy": mapping}
        classic["scopes"] = {**(classic.get("scopes") or {}), "jwt": jwt}
    _configs(classic)["jwt"] = _sources(name, said)


def _first(one: str, several: Sequence[str]) -> str:
    return one or (several[0] if several else "")


def _put_basic(name: str, written: Any, classic: Tree) -> None:
    said = convert(written, Basic, f"securitySchemes.{name}")
    body = said.extractCredentialsFromBody
    classic["use_basic_auth"] = said.enabled
    classic["basic_auth"] = {
        "disable_caching": said.disableCaching,
        "cache_ttl": said.cacheTTL,
        "extract_from_body": body is not None and body.enabled,
        "body_user_regexp": body.userRegexp if body is not None else "",
        "body_password_regexp": body.passwordRegexp if body is not None else "",
    }
    _configs(classic)["basic"] = _sources(name, said)


def _put_oauth(name: str, component: Mapping[str, Any], written: Any, classic: Tree) -> None:
    said = convert(written, OAuth, f"securitySchemes.{name}")
    flows = component.get("flows")
    types = [_ACCESS_TYPES[flow] for flow in flows or () if flow in _ACCESS_TYPES]
    classic["use_oauth2"] = said.enabled
    classic["oauth_meta"] = {
        "allowed_access_types": types + (["refresh_token"] if said.refreshToken else []),
        "allowed_authorize_types": list(said.allowedAuthorizeTypes),
        "auth_login_redirect": said.authLoginRedirect,
    }
    if said.notifications is not None:
        classic["notifications"] = {
            "shared_secret": said.notifications.sharedSecret,
            "oauth_on_keychange_url": said.notifications.onKeyChangeUrl,
        }
    _configs(classic)["oauth"] = _sources(name, said)


def _put_external_oauth(name: str, written: Any, classic: Tree) -> None:
    said = convert(written, ExternalOAuth, f"securitySchemes.{name}")
    providers: list[Tree] = []
    for provider in said.providers:
        one: Tree = {}
        if provider.jwt is not None:
            one["jwt"] = {
                "enabled": provider.jwt.enabled,
                "signing_method": provider.jwt.signingMethod,
                "source": provider.jwt.source,
                "identity_base_field": provider.jwt.identityBaseField,
                "issued_at_validation_skew": provider.jwt.issuedAtValidationSkew,
                "not_before_validation_skew": provider.jwt.notBeforeValidationSkew,
                "expires_at_validation_skew": provider.jwt.expiresAtValidationSkew,
            }
        if provider.introspection is not None:
            asked = provider.introspection
            one["introspection"] = {
                "enabled": asked.enabled,
                "url": asked.url,
                "client_id": asked.clientId,
                "client_secret": asked.clientSecret,
                "identity_base_field": asked.identityBaseField,
                "cache": {"enabled": asked.cache.enabled, "timeout": asked.cache.timeout} if asked.cache else None,
            }
        providers.append(one)
    classic["external_oauth"] = {"enabled": said.enabled, "providers": providers}
    _configs(classic)["externalOAuth"] = _sources(name, said)
