"""`/tyk/debug`: try one request on a definition that is not loaded, and see what happens (contract 04.11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.body import read_body
from sluicegate.admin.envelope import Refused, answer
from sluicegate.admin.node import DebugAnswer, DebugRequest, Node
from sluicegate.apidef import gojson
from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition
from sluicegate.apidef.gotypes import NIL_MAP, GoStruct
from sluicegate.apidef.read import read_api
from sluicegate.errors import ConfigError

SKIPPED = "Spec not valid, skipped!"


class TracedRequest(GoStruct, frozen=True):
    """The request to be tried."""

    method: str = ""
    path: str = ""
    body: str = ""
    headers: Mapping[str, Sequence[str]] = NIL_MAP


class TraceCall(GoStruct, frozen=True):
    """What is asked for: a request, and a definition of one of the two kinds."""

    request: TracedRequest | None = None
    spec: Mapping[str, Any] | None = None
    oas: Mapping[str, Any] | None = None


class Trace(GoStruct, frozen=True):
    """What came of it: `message` is ok or error, `logs` are JSON lines."""

    message: str
    response: str
    logs: str


async def debug(node: Node, request: Request) -> Response:
    """Answer request and response as they stood on the wire, and the log of the run."""
    try:
        call = gojson.decode(await read_body(node, request), TraceCall)
        if call.spec is not None:  # a field of a wrong type is a fault of the call, not of the definition
            gojson.convert(call.spec, APIDefinition)
    except ConfigError:
        raise Refused(400, "Request malformed") from None
    if call.spec is None and call.oas is None:
        raise Refused(400, "Spec field is missing")
    if call.request is None:
        raise Refused(400, "Request field is missing")
    asked = call.request
    tried = DebugRequest(asked.method or "GET", asked.path, asked.headers, asked.body)
    try:
        api = _api_of(call, node)
        if api.problem:
            raise ConfigError("", api.problem)
        result = await node.debug_request(api, tried)
    except ConfigError as error:
        return answer(Trace("error", "", _line("error", str(error)) + _line("warning", SKIPPED)), 400)
    path = _joined(api.classic.proxy.listen_path, tried.path)
    return answer(Trace("ok", _dump(path, tried, result), result.logs))


def _api_of(call: TraceCall, node: Node) -> Api:
    secrets = node.settings.secrets
    if call.oas is not None:
        return read_api(b'{"is_oas":true}', gojson.encode(dict(call.oas)), "oas", secrets)
    return read_api(gojson.encode(dict(call.spec or {})), None, "spec", secrets)


def _line(level: str, message: str) -> str:
    return gojson.encode({"level": level, "msg": message}, newline=True).decode()


def _dump(path: str, asked: DebugRequest, result: DebugAnswer) -> str:
    request = [
        f"{asked.method} {path} HTTP/1.1",
        *_lines((name, value) for name, all in asked.headers.items() for value in all),
    ]
    phrase = HTTPStatus(result.status).phrase if result.status in set(HTTPStatus) else ""
    response = [f"HTTP/1.1 {result.status} {phrase}".rstrip(), *_lines(result.headers)]
    return "\n".join(
        (
            "====== Request ======",
            _message(request, asked.body),
            "====== Response ======",
            _message(response, result.body.decode("utf-8", "replace")),
        )
    )


def _lines(headers: Any) -> list[str]:
    return [f"{name}: {value}" for name, value in headers]


def _message(head: list[str], body: str) -> str:
    return "\r\n".join((*head, "", body))


def _joined(listen_path: str, path: str) -> str:
    return listen_path.rstrip("/") + "/" + path.lstrip("/")
