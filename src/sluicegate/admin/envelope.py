"""Answers of the gateway API (contract 04.1): Go's JSON, compact, HTML characters escaped, a newline at the end.

What is answered is a GoStruct, so that its fields stand in the order in which Tyk writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from sluicegate.apidef import gojson
from sluicegate.apidef.gotypes import GoStruct, Omit
from sluicegate.errors import SluicegateError


class Said(GoStruct, frozen=True):
    """How a call went: `status` is ok or error."""

    status: str
    message: str


class Changed(GoStruct, frozen=True):
    """What a write did: `action` is added, modified, deleted or updated."""

    key: str
    status: str
    action: str
    key_hash: Omit[str] = ""


class Refused(SluicegateError):
    """A call that gets an error envelope instead of what it asked for.

    status: HTTP status; message: the text of the envelope.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status, self.message = status, message

    def answer(self) -> Response:
        """Return the error envelope."""
        return answer(Said("error", self.message), self.status)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer: of a struct, of a list or map of them, or of None (`null`)."""
    return Response(gojson.encode(body, newline=True), status, headers, media_type="application/json")


def document(body: Any) -> Response:
    """Return a JSON document that is ours, and has no form of Tyk's to keep."""
    return Response(msgspec.json.encode(body) + b"\n", media_type="application/json")


def said(message: str) -> Response:
    """Return the envelope of a simple success."""
    return answer(Said("ok", message))


def changed(key: str, action: str, key_hash: str = "", *, headers: Mapping[str, str] | None = None) -> Response:
    """Return the envelope of a write."""
    return answer(Changed(key, "ok", action, key_hash), headers=headers)


def plain(status: int, text: str) -> Response:
    """Return a bare text as Go's http.Error writes it, newline included."""
    return Response(text + "\n", status, {"X-Content-Type-Options": "nosniff"}, media_type="text/plain")


def not_found() -> Response:
    """Return what the router says to a path that nobody serves, outside of `/tyk/`."""
    return Response("Not Found", 404, media_type="text/plain")
