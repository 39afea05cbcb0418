"""What a definition asks for and does not get."""

import pytest
from tests.fakes.exchange import make_api

from sluicegate.errors import ConfigError
from sluicegate.middleware.unsupported import not_served_yet


def version(**paths) -> dict:
    return {"version_data": {"versions": {"v": {"use_extended_paths": True, "extended_paths": paths}}}}


def document(operation: dict) -> dict:
    return {"x-tyk-api-gateway": {"middleware": {"operations": {"o": operation}}}}


def schemes(is_on: bool = True, is_used: bool = True, **asked) -> dict:
    scheme = {"enabled": is_used, **{name: {"enabled": True} for name in asked}}
    authentication = {"enabled": is_on, "securitySchemes": {"corp": scheme}}
    return {"oas": {"x-tyk-api-gateway": {"server": {"authentication": authentication}}}}


ENTRY = {"path": "/", "method": "GET"}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        (version(transform_response=[ENTRY]), "response body transforms"),
        (version(validate_json=[ENTRY]), "JSON validation"),
        (version(validate_request=[{**ENTRY, "enabled": True}]), "request validation"),
        ({"custom_middleware": {"pre": [{"name": "x"}]}}, "plugins"),
        ({"custom_middleware_bundle": "b"}, "plugin bundles"),
        ({"graphql": {"enabled": True}}, "GraphQL"),
        ({"application_protocol": "mcp"}, "MCP"),
        ({"request_signing": {"is_enabled": True}}, "request signing"),
        ({"upstream_auth": {"enabled": True}}, "authentication towards the upstream"),
        ({"proxy": {"service_discovery": {"use_discovery_service": True}}}, "service discovery"),
        ({"proxy": {"transport": {"proxy_url": "http://p"}}}, "proxies"),
        ({"response_processors": [{"name": "custom_mw_res_hook"}]}, "response plugins"),
        ({"oas": {"x-tyk-streaming": {"a": 1}}}, "streams"),
        ({"oas": document({"validateRequest": {"enabled": True}})}, "request validation"),
        (schemes(scopeCheck=True), r"scope checks \(securitySchemes.corp.scopeCheck\)"),
        (schemes(tokenExchange=True), "token exchange"),
        ({"oas": document({"postPlugins": [{"enabled": True}]})}, "Go plugins"),
    ],
)
def test_refused_by_name(fields: dict, named: str) -> None:
    with pytest.raises(ConfigError, match=f"not served yet: .*{named}"):
        not_served_yet(make_api(**fields))


@pytest.mark.parametrize("fields", [schemes(), schemes(False, scopeCheck=True), schemes(True, False, scopeCheck=True)])
def test_schemes_that_ask_for_nothing(fields: dict) -> None:
    assert not_served_yet(make_api(**fields)) == []


def test_a_choice_of_requirements() -> None:
    either = {"security_requirements": [["a"], ["b"]]}

    def processed(mode: str) -> dict:
        return {"x-tyk-api-gateway": {"server": {"authentication": {"securityProcessingMode": mode}}}}

    with pytest.raises(ConfigError, match="a choice of several security requirements"):
        not_served_yet(make_api(processed("compliant"), **either))
    for mode, fields in (
        ("legacy", either),
        ("", either),
        ("compliant", {"security_requirements": [["a", "b"]]}),
        ("compliant", {**either, "use_keyless": True}),
    ):
        assert not_served_yet(make_api(processed(mode), **fields)) == []
    assert not_served_yet(make_api(**either)) == []


def test_all_are_named_at_once() -> None:
    with pytest.raises(ConfigError, match=r"GraphQL.*plugin bundles.*virtual endpoints"):
        not_served_yet(make_api(graphql={"enabled": True}, custom_middleware_bundle="b", **version(virtual=[ENTRY])))


def test_what_is_off_is_not_asked_for() -> None:
    off = {**ENTRY, "disabled": True}
    api = make_api(
        document({"validateRequest": {"enabled": False}, "mockResponse": {"enabled": True}}),
        custom_middleware={"pre": [{"name": "x", "disabled": True}]},
        custom_middleware_bundle="b",
        custom_middleware_bundle_disabled=True,
        response_processors=[{"name": "header_injector"}, {"name": "response_body_transform"}],
        **version(transform=[off], validate_request=[ENTRY]),
    )
    assert not_served_yet(api) == []


def test_looking_on_is_warned_of() -> None:
    api = make_api(
        event_handlers={"events": {"AuthFailure": [{"handler_name": "eh_log_handler"}]}},
        detailed_tracing=True,
        enable_batch_request_support=True,
        analytics_plugin={"enable": True},
        response_processors=[{"name": "zork"}],
    )
    assert [text.partition(" (")[0] for text in not_served_yet(api)] == [
        "event handlers",
        "analytics plugins",
        "detailed tracing",
        "batch requests",
        "an unknown response processor",
    ]


def test_bad_overrides_are_refused() -> None:
    with pytest.raises(ConfigError, match="error_overrides: zzz"):
        not_served_yet(make_api(error_overrides={"zzz": []}))


@pytest.mark.parametrize("by_scheme", [True, False])
def test_metadata_of_protected_resources_is_warned_of(by_scheme: bool) -> None:
    asked = {"protectedResourceMetadata": {"enabled": True}}
    authentication = {"securitySchemes": {"one": asked}} if by_scheme else asked
    api = make_api({"x-tyk-api-gateway": {"server": {"authentication": authentication}}})
    assert not_served_yet(api) == ["metadata of protected resources (protectedResourceMetadata)"]
