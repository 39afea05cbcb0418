"""JSON that no struct describes: whole OpenAPI documents and small instructions, read without ever failing badly."""

from __future__ import annotations

from typing import Any

from sluicegate.admin.envelope import Refused
from sluicegate.apidef import gojson
from sluicegate.errors import ConfigError

JsonObject = dict[str, Any]


def object_of(body: bytes, malformed: str) -> JsonObject:
    """Return the JSON object in a body. Raises Refused 400 with the text `malformed` for anything else."""
    try:
        document = gojson.parse(body)
    except ConfigError:
        raise Refused(400, malformed) from None
    if not isinstance(document, dict):
        raise Refused(400, malformed)
    return document
