"""Plain OpenAPI documents made into APIs (contract 02.8, 04.5)."""

from typing import Any

import pytest

from sluicegate.apidef.oas.imported import ImportOptions, with_default_extension
from sluicegate.errors import ConfigError

EXAMPLE = {"200": {"content": {"application/json": {"examples": {"one": {"value": 1}}}}}}
PETS = {"get": {"responses": EXAMPLE}, "post": {"requestBody": {}, "responses": {"200": {"content": {"a/b": {}}}}}}


def document(**changes: Any) -> dict[str, Any]:
    head = {"openapi": "3.0.3", "info": {"title": "Pets", "version": "1"}, "paths": {"/pets": PETS}}
    return {**head, "servers": [{"url": "http://up"}], **changes}


def extension_of(whole: dict[str, Any], is_import: bool = True, **options: Any) -> dict[str, Any]:
    extension: dict[str, Any] = with_default_extension(whole, ImportOptions(**options), is_import=is_import)[
        "x-tyk-api-gateway"
    ]
    return extension


def test_defaults_of_an_import() -> None:
    whole = document()
    made = with_default_extension(whole, ImportOptions(), is_import=True)
    assert made["x-tyk-api-gateway"] == {
        "info": {"name": "Pets", "state": {"active": True}},
        "server": {"listenPath": {"strip": True, "value": "/"}},
        "middleware": {"global": {"contextVariables": {"enabled": True}, "trafficLogs": {"enabled": True}}},
        "upstream": {"url": "http://up"},
    }
    assert made["paths"]["/pets"]["get"]["operationId"] == "petsGET"
    assert "operationId" not in whole["paths"]["/pets"]["get"], "the document given is not changed"


def test_what_the_options_say() -> None:
    made = extension_of(
        document(), api_id="i", listen_path="/l", custom_domain="d.test", upstream_url="https://other", is_import=True
    )
    assert made["info"]["id"] == "i"
    assert made["server"]["listenPath"]["value"] == "/l"
    assert made["server"]["customDomain"] == {"enabled": True, "name": "d.test"}
    assert made["upstream"]["url"] == "https://other"


def test_a_patch_keeps_what_is_not_said() -> None:
    old = {"info": {"name": "n"}, "upstream": {"url": "http://old"}, "server": {"listenPath": {"value": "/old/"}}}
    assert extension_of(document(**{"x-tyk-api-gateway": old}), is_import=False) == old


def test_middlewares_of_operations() -> None:
    operations = extension_of(document(), allow_list=False, validate_request=True, mock_response=True)["middleware"][
        "operations"
    ]
    mock = {"enabled": True, "fromOASExamples": {"enabled": True}}
    assert operations == {
        "petsGET": {"allow": {"enabled": False}, "mockResponse": mock},
        "petsPOST": {
            "allow": {"enabled": False},
            "validateRequest": {"enabled": True, "errorResponseCode": 422},
        },
    }


def test_an_allow_list_switches_blocks_off_and_a_domain_keeps_its_switch() -> None:
    old = {
        "server": {"customDomain": {"enabled": False, "name": "old.test"}},
        "middleware": {"operations": {"petsGET": {"block": {"enabled": True}, "mockResponse": {"code": 201}}}},
    }
    made = extension_of(
        document(**{"x-tyk-api-gateway": old}),
        is_import=False,
        allow_list=True,
        mock_response=False,
        custom_domain="d.test",
    )
    assert made["server"]["customDomain"] == {"enabled": False, "name": "d.test"}
    assert made["middleware"]["operations"]["petsGET"] == {
        "allow": {"enabled": True},
        "block": {"enabled": False},
        "mockResponse": {"code": 201, "enabled": False, "fromOASExamples": {"enabled": False}},
    }


def test_authentication_takes_the_schemes_of_the_first_requirement() -> None:
    components = {"securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "k"}}}
    made = extension_of(document(security=[{"key": []}, {"other": []}], components=components), authentication=True)
    assert made["server"]["authentication"] == {
        "enabled": True,
        "securitySchemes": {"key": {"enabled": True, "query": {"enabled": True}}},
    }


def test_server_variables_have_their_defaults() -> None:
    servers = [{"url": "https://{zone}.test/{v}", "variables": {"zone": {"default": "eu"}, "v": {"default": 1}}}]
    assert extension_of(document(servers=servers))["upstream"]["url"] == "https://eu.test/1"


@pytest.mark.parametrize(
    ("whole", "options", "text"),
    [
        (document(servers=[]), {}, "The ‘servers’ object is empty in your OAS."),
        (
            document(servers=[{"url": "/relative"}]),
            {},
            "The first entry in the ‘servers’ object of your OAS is not valid.",
        ),
        (document(servers=["x"]), {}, "The first entry in the ‘servers’ object"),
        (document(servers=[{"url": "http://{a}"}]), {}, "server URL contains undefined variables"),
        (
            document(servers=[{"url": "http://{a}", "variables": {"a": {"default": ""}}}]),
            {},
            "server variable a does not have a default value",
        ),
        (document(), {"upstream_url": "up.test"}, "The manually configured upstream URL is not valid."),
        (document(), {"authentication": True}, "The ‘security’ object is empty in your OAS."),
    ],
)
def test_what_cannot_be_imported(whole: dict[str, Any], options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        extension_of(whole, **options)
    assert raised.value.what.startswith(text)
