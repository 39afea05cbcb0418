"""`/tyk/cache/{apiID}`: forget the stored responses of an API (contract 04.11)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.envelope import Refused, said
from sluicegate.admin.node import Node
from sluicegate.errors import StoreError


async def clear(node: Node, request: Request) -> Response:
    """Delete all of them, on every worker; an API that is not there has none."""
    try:
        await node.clear_cache(request.path_params["apiID"])
    except StoreError:
        raise Refused(500, "Cache invalidation failed") from None
    return said("cache invalidated")
