"""`/tyk/reload`: read files that were changed by hand (contract 04.3).

Writes through this API are in force without it; calling it after one is harmless.
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.envelope import Refused, said
from sluicegate.admin.node import Node, ReloadError
from sluicegate.admin.query import query_of

_running: set[asyncio.Task[None]] = set()  # the loop itself holds tasks weakly


async def reload(node: Node, request: Request) -> Response:
    """Start a reload; with `block=true` answer when it is in force on every worker."""
    if query_of(request).get("block") == "true":
        try:
            await node.reload()
        except ReloadError as error:
            raise Refused(500, f"Reload failed: {error.what}") from None
    else:
        task = asyncio.get_running_loop().create_task(_reload_and_log(node))
        _running.add(task)
        task.add_done_callback(_running.discard)
    return said("")


async def reload_group(node: Node, request: Request) -> Response:
    """Tell all nodes of the group; never waits."""
    await node.reload_group()
    return said("")


async def _reload_and_log(node: Node) -> None:
    try:
        await node.reload()
    except ReloadError as error:
        node.services.log("error", f"Reload failed: {error.what}", prefix="api")
