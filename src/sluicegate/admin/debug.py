"""`/tyk/debug`: try one request on a definition that is not loaded, and see what happens (contract 04.11)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.body import read_body
from sluicegate.admin.envelope import Refused, answer
from sluicegate.admin.json_body import JsonObject, object_of
from sluicegate.admin.node import DebugAnswer, DebugRequest, Node
from sluicegate.apidef import gojson
from sluicegate.apidef.gotypes import GoStruct
from sluicegate.apidef.read import read_api
from sluicegate.errors import ConfigError


class Trace(GoStruct, frozen=True):
    """What came of it: `message` is ok or error, `logs` are JSON lines."""

    message: str
    response: str
    logs: str


async def debug(node: Node, request: Request) -> Response:
    """Answer request and response as they stood on the wire, and the log of the run."""
    call = object_of(await read_body(node, request), "Request malformed")
    spec, oas = _part(call, "spec"), _part(call, "oas")
    if spec is None and oas is None:
        raise Refused(400, "Spec field is missing")
    asked = _part(call, "request")
    if asked is None:
        raise Refused(400, "Request field is missing")
    tried = _request_of(asked)
    try:
        api = read_api(
            gojson.encode(spec if oas is None else {"is_oas": True}),
            None if oas is None else gojson.encode(oas),
            "debug",
            node.settings.secrets,
        )
        result = await node.debug_request(api, tried)
    except ConfigError as error:
        logs = gojson.encode({"level": "error", "msg": str(error)}, newline=True).decode()
        return answer(Trace("error", "", logs), 400)
    path = _joined(api.classic.proxy.listen_path, tried.path)
    return answer(Trace("ok", _dump(path, tried, result), result.logs))


def _part(call: JsonObject, name: str) -> JsonObject | None:
    value = call.get(name)
    if value is not None and not isinstance(value, dict):
        raise Refused(400, "Request malformed")
    return value


def _request_of(asked: JsonObject) -> DebugRequest:
    headers = asked.get("headers") or {}
    method, path, body = (asked.get(name) or "" for name in ("method", "path", "body"))
    if not isinstance(headers, dict) or not all(isinstance(text, str) for text in (method, path, body)):
        raise Refused(400, "Request malformed")
    if not all(
        isinstance(values, list) and all(isinstance(value, str) for value in values) for values in headers.values()
    ):
        raise Refused(400, "Request malformed")
    return DebugRequest(method or "GET", path, headers, body)


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
