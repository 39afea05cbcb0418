"""Mocked operations of OAS documents."""

import pytest
from tests.fakes.exchange import make_api, make_exchange, make_services, make_version

from sluicegate.chain.outcome import Rejection, Reply
from sluicegate.errors import ConfigError
from sluicegate.middleware.answers.mock_response import MockResponse
from sluicegate.middleware.answers.oas_examples import OperationExamples


def mocked(paths: dict, mocks: dict) -> MockResponse | None:
    """Return the step of a document with these paths, and these mocks by operationId."""
    operations = {name: {"mockResponse": mock} for name, mock in mocks.items()}
    oas = {"paths": paths, "x-tyk-api-gateway": {"middleware": {"operations": operations}}}
    return MockResponse.from_definition(make_api(oas), make_version(), make_services())


def literal(text: str) -> dict:
    return {"enabled": True, "body": text}


def get(name: str, **more) -> dict:
    return {"get": {"operationId": name, **more}}


def body(step: MockResponse, path: str, method: str = "GET") -> str | None:
    outcome = step.on_request(make_exchange(path, method))
    return None if outcome is None else outcome.body.decode()


def test_not_asked_for() -> None:
    services = make_services()
    assert MockResponse.from_definition(make_api(), make_version(), services) is None
    assert mocked({"/a": get("a")}, {}) is None
    assert mocked({"/a": get("a")}, {"a": {"enabled": False}}) is None
    for broken in ({}, {"paths": []}, {"paths": {"/a": 3}, "x-tyk-api-gateway": {"middleware": 1}}):
        assert MockResponse.from_definition(make_api(broken), make_version(), services) is None


def test_literal() -> None:
    headers = [{"name": "x-a", "value": "1"}, {"name": "X-A", "value": "2"}]
    step = mocked({"/a": get("a")}, {"a": {"enabled": True, "code": 418, "body": "tea", "headers": headers}})
    assert step.on_request(make_exchange("/a")) == Reply(418, [(b"X-A", b"2")], b"tea", final=False, rate_headers=True)
    assert step.on_request(make_exchange("/a", "POST")) is None
    assert step.on_request(make_exchange("/b")) is None


def test_how_it_is_framed_is_not_for_a_mock_to_say() -> None:
    names = ("Content-Length", "transfer-encoding", "Connection", "X-A")
    headers = [{"name": name, "value": "1"} for name in names]
    described = {name: {"schema": {"type": "integer"}, "example": 1} for name in names}
    responses = {"200": {"headers": described, "content": {"application/json": {"example": "hello"}}}}
    step = mocked(
        {"/a": get("a"), "/b": get("b", responses=responses)},
        {
            "a": {"enabled": True, "headers": headers},
            "b": {"enabled": True, "fromOASExamples": {"enabled": True}},
        },
    )
    for path in ("/a", "/b"):
        reply = step.on_request(make_exchange(path))
        assert {name for name, _ in reply.headers} - {b"Content-Type"} == {b"X-A"}


@pytest.mark.parametrize("mock", [{"code": 101}, {"code": "200"}, {"headers": [{"name": "a b", "value": ""}]}])
def test_bad_literal_is_refused(mock: dict) -> None:
    with pytest.raises(ConfigError, match="mockResponse"):
        mocked({"/a": get("a")}, {"a": {"enabled": True, **mock}})


def test_static_paths_shield_those_with_parameters() -> None:
    paths = {"/users/{id}": get("one"), "/users/me": get("me"), "/users": get("all"), "/users/{id}/x": get("x")}
    step = mocked(paths, {"one": literal("one"), "x": literal("x")})
    assert [body(step, path) for path in ("/users/1", "/users/me", "/users/1/x", "/users")] == ["one", None, "x", None]


def test_parameters_decide_between_paths_that_look_the_same() -> None:
    def parameter(name: str, **schema) -> list:
        return [{"in": "path", "name": name, "required": True, "schema": schema}]

    paths = {
        "/e/{id}": get("number", parameters=parameter("id", type="integer", maximum=99)),
        "/e/{name}": get("word", parameters=parameter("name", type="string", pattern="^[a-z]+$", minLength=2)),
        "/e/{flag}": get("unmocked"),
        "/f/{size}": get("size", parameters=parameter("size", type="string", enum=["s", "m"])),
        "/f/{on}": {"parameters": parameter("on", type="boolean"), **get("on")},
    }
    step = mocked(paths, {name: literal(name) for name in ("number", "word", "size", "on")})
    found = [body(step, path) for path in ("/e/42", "/e/alice", "/e/100", "/e/a", "/f/m", "/f/true", "/f/x")]
    assert found == ["number", "word", None, None, "size", "on", None]


EXAMPLES = {
    "200": {
        "headers": {"X-N": {"schema": {"type": "integer"}}, "X-S": {"schema": {"type": "string"}}},
        "content": {
            "application/json": {
                "examples": {"b": {"value": {"z": 1.0, "a": "<b>"}}, "a": {"$ref": "#/components/examples/a"}}
            },
            "text/*": {"example": "plain"},
            "application/made": {"schema": {"$ref": "#/components/schemas/made"}},
        },
    },
    "404": {"content": {"application/json": {}}},
}
COMPONENTS = {
    "examples": {"a": {"value": "first"}},
    "schemas": {
        "made": {
            "type": "object",
            "properties": {
                "s": {"type": "string"},
                "e": {"type": "string", "enum": ["x", "y"]},
                "l": {"type": "array", "items": {"type": "boolean"}},
                "again": {"$ref": "#/components/schemas/made"},
                "o": {"oneOf": []},
            },
        }
    },
}


@pytest.mark.parametrize(
    ("headers", "status", "content_type", "expected"),
    [
        ({}, 200, b"application/json", b'"first"'),
        ({"Accept": "*/*"}, 200, b"application/json", b'"first"'),
        ({"X-Tyk-Accept-Example-Name": "b"}, 200, b"application/json", b'{"a":"\\u003cb\\u003e","z":1}'),
        ({"Accept": "text/plain; q=1"}, 200, b"text/plain; q=1", b'"plain"'),
        ({"X-Tyk-Accept-Example-Code": "404"}, 404, b"application/json", b"null"),
    ],
)
def test_examples(headers: dict, status: int, content_type: bytes, expected: bytes) -> None:
    document = {"/a": get("a", responses=EXAMPLES)}
    step = mocked(document, {"a": {"enabled": True, "fromOASExamples": {"enabled": True}}})
    oas = {
        "paths": document,
        "components": COMPONENTS,
        "x-tyk-api-gateway": {
            "middleware": {
                "operations": {"a": {"mockResponse": {"enabled": True, "fromOASExamples": {"enabled": True}}}}
            }
        },
    }
    step = MockResponse.from_definition(make_api(oas), make_version(), make_services())
    reply = step.on_request(make_exchange("/a", headers=headers))
    assert (reply.status, dict(reply.headers)[b"Content-Type"], reply.body) == (status, content_type, expected)
    if status == 200:
        assert reply.headers[:2] == [(b"X-N", b"0"), (b"X-S", b"string")]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"X-Tyk-Accept-Example-Code": "500"}, "there is no example response for the code: 500"),
        ({"X-Tyk-Accept-Example-Code": "x"}, "given code x is not a valid integer value"),
        ({"Accept": "image/png"}, "there is no example response for the content type: image/png"),
        ({"X-Tyk-Accept-Example-Name": "zz"}, "there is no example response for the example name: zz"),
    ],
)
def test_no_such_example(headers: dict, message: str) -> None:
    step = mocked({"/a": get("a", responses=EXAMPLES)}, {"a": {"enabled": True, "fromOASExamples": {"enabled": True}}})
    rejection = step.on_request(make_exchange("/a", headers=headers))
    assert isinstance(rejection, Rejection)
    assert (rejection.status, rejection.message) == (500, f"failed to mock response: mock: {message}")


def test_schemas_that_refer_to_themselves_end() -> None:
    wide = {"type": "object", "properties": {name: {"$ref": "#/components/schemas/w"} for name in "abcdef"}}
    document = {"components": {"schemas": {"w": wide, "loop": {"$ref": "#/components/schemas/loop"}}}}
    content = {
        "j/w": {"schema": {"$ref": "#/components/schemas/w"}},
        "j/l": {"schema": {"$ref": "#/components/schemas/loop"}},
    }
    examples = OperationExamples(document, {"responses": {"200": {"content": content}}})
    assert len(examples.choose(200, "j/w", "").body) < 1_000_000
    assert examples.choose(200, "j/l", "").body == b"null"


def test_made_up_values() -> None:
    operation = {"responses": EXAMPLES}
    made = OperationExamples({"components": COMPONENTS}, operation).choose(200, "application/made", "").body
    assert made.endswith(b'"e":"x","l":[true],"o":null,"s":"string"}')
