"""Answers an operation with a made-up response instead of the upstream's (contract 09.7).

Asked for by `mockResponse` of an operation in the OAS extension: a literal answer, or one of the document's examples
(`fromOASExamples`). It comes late in the chain, so that a mocked API checks its callers as the real one will, and it
passes the response chain. Classic mocks are another thing: path lists answer them before authentication.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sluicegate.chain.endpoints import Endpoint, Endpoints
from sluicegate.chain.header_lines import header_lines
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection, Reply
from sluicegate.errors import ConfigError
from sluicegate.middleware.answers.mock_paths import WHOLE_NUMBER, Operation, PathFit, operations_to_try
from sluicegate.middleware.answers.oas_examples import Node, OperationExamples, node

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

FAILED = Rejection(500, "failed to mock response: mock: ", "mock_response_failed")


class LiteralMock:
    """An answer that stands in the definition."""

    __slots__ = ("_body", "_headers", "_status")

    def __init__(self, settings: Node) -> None:
        self._status = _status_of(settings.get("code") or 200)
        self._body = str(settings.get("body") or "").encode("utf-8", "replace")
        pairs = [
            (str(node(one).get("name", "")), str(node(one).get("value", ""))) for one in settings.get("headers") or ()
        ]
        self._headers = header_lines(pairs)

    def answer(self, exchange: Exchange) -> Outcome:
        """Return the answer."""
        return Reply(self._status, list(self._headers), self._body, final=False, rate_headers=True)


class ExampleMock:
    """An answer chosen from the examples of the document. The request may ask for another code, name or type."""

    __slots__ = ("_code", "_content_type", "_examples", "_name")

    def __init__(self, document: Node, operation: Operation, settings: Node) -> None:
        self._examples = OperationExamples(document, operation.node)
        self._code = _status_of(settings.get("code") or 200)
        self._content_type = str(settings.get("contentType") or "application/json")
        self._name = str(settings.get("exampleName") or "")

    def answer(self, exchange: Exchange) -> Outcome:
        """Return the example that is asked for, or a rejection that says what there is not."""
        headers = exchange.request.headers if exchange.changed_headers is None else exchange.changed_headers
        code, content_type = self._code, self._content_type
        if asked_code := _text(headers.get(b"x-tyk-accept-example-code")):
            if not WHOLE_NUMBER.fullmatch(asked_code):
                return FAILED.saying(f"{FAILED.message}given code {asked_code} is not a valid integer value")
            code = int(asked_code)
        name = _text(headers.get(b"x-tyk-accept-example-name")) or self._name
        accepted = _text(headers.get(b"accept"))
        if accepted not in ("", "*/*"):
            content_type = accepted
        example = self._examples.choose(code, content_type, name)
        if isinstance(example, str):
            return FAILED.saying(FAILED.message + example)
        lines = [line for line in example.headers if line[0] != b"Content-Type"]
        lines.append((b"Content-Type", content_type.encode()))
        return Reply(code, lines, example.body, final=False, rate_headers=True)


Mock = LiteralMock | ExampleMock


class Candidates:
    """The mocks of one pattern. With several, the parameters of the path decide; maybe for none."""

    __slots__ = ("_mocks",)

    def __init__(self, document: Node, operations: list[Operation]) -> None:
        several = len(operations) > 1
        self._mocks: list[tuple[PathFit | None, Mock]] = [
            (PathFit(document, one) if several else None, _mock_of(document, one)) for one in operations if one.mock
        ]

    def answer(self, exchange: Exchange) -> Outcome:
        """Return the answer of the mock that is meant, or None."""
        for fit, mock in self._mocks:
            if fit is None or fit.accepts(exchange.match_paths[0]):
                return mock.answer(exchange)
        return None


class MockResponse(Middleware):
    """Answers where a mock is found for path and method."""

    name = "MockResponseMiddleware"

    def __init__(self, endpoints: Endpoints[Candidates]) -> None:
        self._endpoints = endpoints

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when an operation of the document is mocked. Raises ConfigError."""
        if api.oas is None:
            return None
        groups = operations_to_try(api.oas)
        if not any(one.mock for group in groups for one in group):
            return None
        try:
            entries = [Endpoint(group[0].path, group[0].method, Candidates(api.oas, group)) for group in groups]
            return cls(Endpoints(entries, services.settings, version))
        except ConfigError as error:
            raise ConfigError("mockResponse", error.what, error.hint) from None

    def on_request(self, exchange: Exchange) -> Outcome:
        """Answer a mocked operation."""
        found = self._endpoints.find(exchange)
        return None if found is None else found.answer(exchange)


def _mock_of(document: Node, operation: Operation) -> Mock:
    from_examples = node(operation.mock.get("fromOASExamples"))
    if from_examples.get("enabled"):
        return ExampleMock(document, operation, from_examples)
    return LiteralMock(operation.mock)


def _status_of(code: object) -> int:
    if not isinstance(code, int) or not 200 <= code <= 999:
        raise ConfigError("", f"{code} is not the status of a final answer")
    return code


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace")
