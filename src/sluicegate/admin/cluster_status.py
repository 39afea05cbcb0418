"""`/tyk/cluster/status`: do all nodes serve the same, and how is each."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.envelope import document
from sluicegate.admin.node import Node


async def show(node: Node, request: Request) -> Response:
    """Answer on every node, with or without a cluster, and with the store away too."""
    status = await node.cluster_status()
    return document(status)
