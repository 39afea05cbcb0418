"""What the admin API finds wrong with a definition before it stores it (contract 02.0, end)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from sluicegate.apidef.classic import APIDefinition, AuthConfig

ALL_WEIGHTS_ZERO = "all load balancing targets have weight 0, at least one target must have weight > 0"


def check_definition(definition: APIDefinition) -> str:
    """Return the first thing that is wrong, in Tyk's words, or ""."""
    return next(_problems(definition), "")


def _problems(definition: APIDefinition) -> Iterator[str]:
    yield from _data_sources(definition)
    yield from _auth_sources(definition)
    yield from _addresses(definition)
    yield from _timeouts(definition)
    yield from _upstream_auth(definition)
    if definition.proxy.enable_load_balancing and not definition.proxy.target_list:
        yield ALL_WEIGHTS_ZERO


def _data_sources(definition: APIDefinition) -> Iterator[str]:
    names = [source.name for source in definition.graphql.engine.data_sources]
    if len(set(names)) < len(names):
        yield "duplicate data source names are not allowed"


def _auth_sources(definition: APIDefinition) -> Iterator[str]:
    in_use = {
        "authToken": definition.use_standard_auth,
        "jwt": definition.enable_jwt,
        "oauth": definition.use_oauth2,
        "oidc": definition.use_openid,
        "basic": definition.use_basic_auth,
        "hmac": definition.enable_signature_checking,
        "coprocess": definition.enable_coprocess_auth or definition.custom_plugin_auth_enabled,
        "externalOAuth": definition.external_oauth.enabled,
    }
    for name, config in definition.auth_configs.items():
        if in_use.get(name) and _reads_nothing(config):
            yield (f"all auth sources are disabled for {name}, at least one of header/cookie/query must be enabled")


def _reads_nothing(config: AuthConfig) -> bool:
    return config.disable_header and not config.use_cookie and not config.use_param


def _addresses(definition: APIDefinition) -> Iterator[str]:
    is_on = not definition.ip_access_control_disabled
    if is_on or definition.enable_ip_whitelisting:
        yield from _bad_addresses(definition.allowed_ips)
    if is_on or definition.enable_ip_blacklisting:
        yield from _bad_addresses(definition.blacklisted_ips)


def _bad_addresses(addresses: Iterable[str]) -> Iterator[str]:
    for address in addresses:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError:
            yield f'invalid IP/CIDR "{address}"'


def _timeouts(definition: APIDefinition) -> Iterator[str]:
    for version in definition.version_data.versions.values():
        for entry in version.extended_paths.hard_timeouts:
            if not entry.disabled and (entry.timeout < 0 or entry.duration < 0):
                yield "invalid timeout value"
        if not version.global_enforce_timeout_disabled and version.global_enforce_timeout < 0:
            yield "invalid global timeout value"


def _upstream_auth(definition: APIDefinition) -> Iterator[str]:
    auth = definition.upstream_auth
    if not auth.enabled:
        return
    if auth.basic_auth.enabled + auth.oauth.enabled + definition.request_signing.is_enabled > 1:
        yield "multiple upstream authentication modes not allowed"
    if not auth.oauth.enabled:
        return
    types = auth.oauth.allowed_authorize_types
    if not types:
        yield "upstream OAuth authorization type is required"
    elif len(types) > 1:
        yield "multiple upstream OAuth authorization modes not allowed"
    elif types[0] not in ("clientCredentials", "password"):
        yield "invalid OAuth authorization type"
