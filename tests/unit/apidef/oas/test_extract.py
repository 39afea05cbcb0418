"""OAS documents as classic definitions, and back (contract 02.8)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.apidef.classic import APIDefinition, VersionInfo
from sluicegate.apidef.gojson import convert, encode
from sluicegate.apidef.oas.extract import extract
from sluicegate.apidef.oas.fill import fill
from sluicegate.apidef.oas.gateway import XTykAPIGateway
from sluicegate.errors import ConfigError

MINIMAL = {
    "info": {"id": "o", "name": "o", "state": {"active": False}},
    "upstream": {"url": "http://up"},
    "server": {"listenPath": {"value": "/o/"}},
}


def document(extension: Any = MINIMAL, **more: Any) -> dict[str, Any]:
    head = {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {}, "components": {}}
    return {**head, **more, "x-tyk-api-gateway": extension}


def said(**sections: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(MINIMAL)), **sections}


def main(definition: APIDefinition) -> VersionInfo:
    return definition.version_data.versions[""]


def test_what_limits_do_without_the_store_is_taken_over_and_given_back() -> None:
    chosen = said(server={"listenPath": {"value": "/o/"}, "limitsOnStoreFailure": "closed"})
    api = extract(document(chosen))
    assert api.limits_on_store_failure == "closed"
    back = fill(document(chosen), api)["x-tyk-api-gateway"]["server"]
    assert back["limitsOnStoreFailure"] == "closed"
    assert b"limits_on_store_failure" not in encode(extract(document()))


def test_what_is_not_said_is_off() -> None:
    api = extract(document())
    assert api.use_keyless
    assert api.do_not_track
    assert not api.enable_context_vars
    assert api.tags_disabled
    assert api.domain_disabled
    assert api.custom_middleware_bundle_disabled
    assert api.global_rate_limit.disabled
    assert api.is_oas
    assert api.version_data.not_versioned
    version = main(api)
    assert version.use_extended_paths
    assert version.global_headers_disabled
    assert version.global_size_limit_disabled
    assert api.auth_configs == {}


def test_what_the_extension_knows_nothing_of_stays() -> None:
    base = convert({"slug": "s", "version_data": {"versions": {"v1": {"name": "v1"}}}}, APIDefinition)
    api = extract(document(), base)
    assert api.slug == "s"
    assert set(api.version_data.versions) == {"", "v1"}


FULL = said(
    upstream={
        "url": "http://up",
        "rateLimit": {"enabled": True, "rate": 5, "per": "10s"},
        "mutualTLS": {"enabled": True, "domainToCertificateMapping": [{"domain": "d", "certificate": "c"}]},
        "certificatePinning": {
            "enabled": True,
            "domainToPublicKeysMapping": [{"domain": "d", "publicKeys": ["k1", "k2"]}],
        },
        "tlsTransport": {"minVersion": "1.2", "insecureSkipVerify": True},
        "proxy": {"enabled": True, "url": "http://proxy"},
        "enforceTimeout": {"enabled": True, "duration": "500ms"},
        "uptimeTests": {
            "enabled": True,
            "tests": [{"url": "tcp://h:1", "timeout": "2s", "method": "GET", "enableProxyProtocol": False}],
            "hostDownRetestPeriod": "10s",
        },
        "loadBalancing": {
            "enabled": True,
            "targets": [{"url": "http://a", "weight": 3}, {"url": "http://b", "weight": 1}],
            "algorithm": "weighted_round_robin",
        },
    },
    server={
        "listenPath": {"value": "/o/", "strip": True},
        "gatewayTags": {"enabled": True, "tags": ["edge"]},
        "customDomain": {"enabled": True, "name": "d.test"},
        "ipAccessControl": {"enabled": True, "allow": ["10.0.0.0/8"]},
        "authentication": {"enabled": True, "stripAuthorizationData": True},
    },
    middleware={
        "global": {
            "cors": {"enabled": True, "allowedOrigins": ["*"]},
            "prePlugins": [{"enabled": True, "functionName": "f", "path": "p"}],
            "transformRequestHeaders": {"enabled": True, "add": [{"name": "X", "value": "1"}]},
            "trafficLogs": {"enabled": True, "customRetentionPeriod": "1h"},
            "requestSizeLimit": {"enabled": True, "value": 100},
            "skipQuota": True,
        }
    },
    errorOverrides={
        "enabled": True,
        "value": {"500": [{"match": {"messagePattern": "m"}, "response": {"statusCode": 503}}]},
    },
)


def test_sections_have_their_classic_fields() -> None:
    api = extract(document(FULL))
    assert (api.global_rate_limit.rate, api.global_rate_limit.per) == (5, 10)
    assert api.upstream_certificates == {"d": "c"}
    assert api.pinned_public_keys == {"d": "k1,k2"}
    assert api.proxy.transport.ssl_min_version == 771
    assert api.proxy.transport.proxy_url == "http://proxy"
    assert main(api).global_enforce_timeout == 0.5
    assert api.uptime_tests.check_list[0].timeout == 2_000_000_000
    assert api.uptime_tests.check_list[0].protocol == "tcp"
    assert list(api.proxy.target_list) == ["http://a"] * 3 + ["http://b"]
    assert api.proxy.load_balancing is not None
    assert list(api.proxy.load_balancing.weights) == [3, 1]
    assert not api.use_keyless
    assert api.cors.enable
    assert (api.custom_middleware.pre[0].name, api.custom_middleware.pre[0].disabled) == ("f", False)
    assert main(api).global_headers == {"X": "1"}
    assert api.expire_analytics_after == 3600
    assert api.disable_quota
    rule = api.error_overrides["500"][0]
    assert rule.match is not None
    assert (rule.match.message_pattern, rule.response.status_code) == ("m", 503)


@pytest.mark.parametrize(("enabled", "seconds"), [(True, 3600), (False, 0)])
def test_a_life_time_of_keys_counts_where_it_is_switched_on(enabled: bool, seconds: int) -> None:
    lifetime = {"enabled": enabled, "value": "1h", "respectValidity": True}
    whole = document(said(server={"listenPath": {"value": "/o/"}, "authentication": {"customKeyLifetime": lifetime}}))
    api = extract(whole)
    assert (api.session_lifetime, api.session_lifetime_respects_key_expiration) == (seconds, True)
    back = json.loads(encode(fill(whole, api)))["x-tyk-api-gateway"]["server"]["authentication"]["customKeyLifetime"]
    assert back.get("enabled", False) is enabled


def test_an_extracted_document_comes_back_as_it_was() -> None:
    whole = document(FULL)
    assert json.loads(encode(fill(whole, extract(whole)))) == whole
    assert encode(fill(document(), extract(document()))) == encode(
        {**document(), "x-tyk-api-gateway": convert(MINIMAL, XTykAPIGateway)}
    )


def test_the_definition_in_force_shows() -> None:
    whole = document()
    moved = extract(document(said(server={"listenPath": {"value": "/moved/"}})))
    assert fill(whole, moved)["x-tyk-api-gateway"]["server"]["listenPath"]["value"] == "/moved/"


def test_a_huge_weight_is_no_huge_list() -> None:
    targets = [{"url": "http://a", "weight": 10**12}, {"url": "http://b", "weight": 1}]
    balancing = {"enabled": True, "targets": targets}
    api = extract(document(said(upstream={"url": "u", "loadBalancing": balancing})))
    assert list(api.proxy.target_list) == ["http://a", "http://b"]
    assert api.proxy.load_balancing is not None
    assert list(api.proxy.load_balancing.weights) == [10**12, 1]


def operation(**asked: Any) -> VersionInfo:
    paths = {"/u": {"get": {"operationId": "short"}}, "/u/{id}": {"get": {"operationId": "long"}, "post": {}}}
    operations = {"short": asked, "long": asked, "unknown": asked}
    return main(extract(document(said(middleware={"operations": operations}), paths=paths)))


def test_operations_become_extended_paths_the_longest_first() -> None:
    allow = operation(allow={"enabled": True, "ignoreCase": True}).extended_paths.white_list
    assert [(entry.path, entry.method, entry.disabled) for entry in allow] == [
        ("/u/{id}", "GET", False),
        ("/u", "GET", False),
    ]
    assert allow[0].ignore_case


@pytest.mark.parametrize(
    ("name", "asked", "field", "expected"),
    [
        ("block", {"enabled": False}, "black_list", {"disabled": True}),
        ("ignoreAuthentication", {"enabled": True}, "ignored", {"disabled": False}),
        ("internal", {"enabled": True}, "internal", {"disabled": False}),
        ("transformRequestMethod", {"enabled": True, "toMethod": "PUT"}, "method_transforms", {"to_method": "PUT"}),
        ("requestSizeLimit", {"enabled": True, "value": 9}, "size_limits", {"size_limit": 9}),
        ("rateLimit", {"enabled": True, "rate": 2, "per": "1m"}, "rate_limit", {"rate": 2.0, "per": 60.0}),
        ("enforceTimeout", {"enabled": True, "duration": "5ms"}, "hard_timeouts", {"duration": 0.005}),
        ("cache", {"enabled": True, "timeout": 5}, "advance_cache_config", {"timeout": 5}),
        (
            "circuitBreaker",
            {"enabled": True, "threshold": 0.5, "sampleSize": 4, "coolDownPeriod": 9},
            "circuit_breakers",
            {"threshold_percent": 0.5, "samples": 4, "return_to_service_after": 9, "disable_half_open_state": True},
        ),
        (
            "transformRequestHeaders",
            {"enabled": True, "remove": ["A"], "add": [{"name": "B", "value": "1"}]},
            "transform_headers",
            {"delete_headers": ["A"], "add_headers": {"B": "1"}},
        ),
        ("trackEndpoint", {"enabled": True}, "track_endpoints", {"disabled": False}),
        ("virtualEndpoint", {"enabled": True, "body": "e"}, "virtual", {"function_source_type": "blob"}),
    ],
)
def test_each_middleware_of_an_operation(name: str, asked: Any, field: str, expected: dict[str, Any]) -> None:
    entry = getattr(operation(**{name: asked}).extended_paths, field)[0]
    assert {key: getattr(entry, key) for key in expected} == expected


def test_rewrites_have_their_triggers() -> None:
    rules = [
        {"in": "query", "name": "q", "pattern": "a", "negate": True},
        {"in": "requestBody", "pattern": "b"},
        {"in": "header", "name": "H", "pattern": "c"},
    ]
    trigger = {"condition": "any", "rules": rules, "rewriteTo": "/t"}
    rewrite = operation(
        urlRewrite={"enabled": True, "pattern": ".*", "rewriteTo": "/r", "triggers": [trigger]}
    ).extended_paths.url_rewrites[0]
    assert (rewrite.match_pattern, rewrite.rewrite_to) == (".*", "/r")
    options = rewrite.triggers[0].options
    assert rewrite.triggers[0].on == "any"
    assert (options.query_val_matches["q"].match_rx, options.query_val_matches["q"].reverse) == ("a", True)
    assert options.payload_matches.match_rx == "b"
    assert options.header_matches["H"].match_rx == "c"


COMPONENTS = {
    "securitySchemes": {
        "key": {"type": "apiKey", "in": "query", "name": "k"},
        "jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "basic": {"type": "http", "scheme": "basic"},
        "oauth": {"type": "oauth2", "flows": {"clientCredentials": {}}},
    }
}


def secured(security: list[Any], mode: str = "", **schemes: Any) -> APIDefinition:
    authentication = {"enabled": True, "securitySchemes": schemes, "securityProcessingMode": mode}
    server = {"listenPath": {"value": "/o/"}, "authentication": authentication}
    return extract(document(said(server=server), components=COMPONENTS, security=security))


def test_a_token_scheme_of_any_name_is_the_auth_token() -> None:
    api = secured([{"key": []}], key={"enabled": True, "header": {"enabled": True, "name": "X-Key"}})
    assert api.use_standard_auth
    entry = api.auth_configs["authToken"]
    assert (entry.name, entry.use_param, entry.param_name) == ("key", True, "k")
    assert (entry.disable_header, entry.auth_header_name) == (False, "X-Key")


def test_only_the_first_requirement_counts_unless_compliant() -> None:
    security = [{"jwt": []}, {"basic": []}]
    schemes = {"jwt": {"enabled": True, "source": "s", "subjectClaims": ["sub"]}, "basic": {"enabled": True}}
    legacy = secured(security, **schemes)
    assert (legacy.enable_jwt, legacy.use_basic_auth) == (True, False)
    assert (legacy.jwt_source, legacy.jwt_identity_base_field) == ("s", "sub")
    assert legacy.auth_configs["jwt"].disable_header
    compliant = secured(security, "compliant", **schemes)
    assert (compliant.enable_jwt, compliant.use_basic_auth) == (True, True)
    assert [list(one) for one in compliant.security_requirements] == [["jwt"], ["basic"]]


def test_oauth_schemes() -> None:
    api = secured([{"oauth": []}], oauth={"enabled": True, "refreshToken": True})
    assert api.use_oauth2
    assert list(api.oauth_meta.allowed_access_types) == ["client_credentials", "refresh_token"]
    external = {"enabled": True, "providers": [{"introspection": {"enabled": True, "url": "http://i"}}]}
    api = secured([{"oauth": []}], oauth=external)
    assert api.external_oauth.enabled
    assert api.external_oauth.providers[0].introspection.url == "http://i"
    assert not api.use_oauth2


def test_event_handlers() -> None:
    handler = {
        "enabled": True,
        "trigger": "QuotaExceeded",
        "type": "webhook",
        "url": "http://h",
        "cooldownPeriod": "5s",
    }
    server = {"listenPath": {"value": "/o/"}, "eventHandlers": [handler]}
    config = extract(document(said(server=server))).event_handlers.events["QuotaExceeded"][0]
    assert config.handler_name == "eh_web_hook_handler"
    assert config.handler_meta == {
        "disabled": False,
        "target_path": "http://h",
        "event_timeout": 5,
        **config.handler_meta,
    }


def test_a_wrong_type_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="of type bool"):
        extract(document(said(info={"state": {"active": "x"}})))
    with pytest.raises(ConfigError):
        secured([{"jwt": []}], jwt=[])


json_trees = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["enabled", "header", "jwt", "type", "in", "paths", "security", "securitySchemes", "get", "operationId"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_trees, json_trees, json_trees, json_trees)
def test_any_document_is_extracted_or_refused(authentication: Any, paths: Any, security: Any, components: Any) -> None:
    server = {"listenPath": {"value": "/o/"}, "authentication": authentication}
    whole = document(said(server=server), paths=paths, security=security, components=components)
    try:
        fill(whole, extract(whole))
    except ConfigError:
        pass
