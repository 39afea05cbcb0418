"""`/tyk/schema`: what an OAS document may look like, as a JSON schema (contract 04.11).

The part of the OpenAPI specification is only as deep as the gateway reads it; the extension is described whole, from
the same structs that read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.envelope import answer
from sluicegate.admin.node import Node
from sluicegate.admin.oas_schema import document_schema
from sluicegate.admin.query import query_of
from sluicegate.apidef.gotypes import GoStruct, Omit

VERSIONS = ("3.0", "3.1")


class Schema(GoStruct, frozen=True):
    """The schema, or why there is none: `status` is Success or Failed."""

    status: str
    message: str
    schema: Omit[Mapping[str, Any] | None] = None


async def show(node: Node, request: Request) -> Response:
    """Answer the schema for a version of the OpenAPI specification."""
    version = query_of(request).get("oasVersion") or VERSIONS[0]
    if version not in VERSIONS:
        return answer(Schema("Failed", f'Schema not found for version "{version}"'), 404)
    return answer(Schema("Success", "", document_schema(version)))
