"""The body of a call: read whole, within the limit that the settings give all requests (contract 06.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request

from sluicegate.errors import BadMessage, SluicegateError

if TYPE_CHECKING:
    from sluicegate.admin.node import Node

LIMIT_BYTES = 64 << 20
"""The longest body of a call when the settings set no limit: far more than any definition, far less than memory."""


class BodyTooLong(SluicegateError):
    """The body is longer than the limit: 413 in plain text."""


async def read_body(node: Node, request: Request, most_bytes: int | None = None) -> bytes:
    """Return the whole body. Raises BodyTooLong as soon as it is certain.

    most_bytes: a limit of the call's own; the lower one counts.
    """
    limit = node.settings.http_server_options.max_request_body_size or LIMIT_BYTES
    if most_bytes is not None:
        limit = min(limit, most_bytes)
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > limit:
        raise BodyTooLong(limit)
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > limit:
                raise BodyTooLong(limit)
            pieces.append(piece)
    except BadMessage:  # the listener has the limit of the settings too
        raise BodyTooLong(limit) from None
    return b"".join(pieces)
