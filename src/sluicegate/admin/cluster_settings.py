"""`/tyk/cluster/settings`: the settings that all nodes of the cluster serve by.

A document like `tyk.conf` that holds shared settings only (`settings.shared`). It is one document of the cluster, with
an ETag and history like the others; what it does not say, each node says for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.body import read_body
from sluicegate.admin.envelope import Refused, changed
from sluicegate.admin.shared import etag, refuse_without_cluster, settings_content, share
from sluicegate.cluster.document import SETTINGS_KEY
from sluicegate.cluster.documents import Change

if TYPE_CHECKING:
    from sluicegate.admin.node import Node

NONE_SHARED = "The cluster shares no settings"


async def show(node: Node, request: Request) -> Response:
    """Answer the document that is in force on this node."""
    refuse_without_cluster(node)
    headers = etag(node, SETTINGS_KEY)
    if not headers:
        raise Refused(404, NONE_SHARED)
    return Response(node.shared_settings() + b"\n", headers=headers, media_type="application/json")


async def put(node: Node, request: Request) -> Response:
    """Share these settings, and no others."""
    refuse_without_cluster(node)
    action = "modified" if node.shared_generation(SETTINGS_KEY) else "added"
    change = Change(SETTINGS_KEY, settings_content(await read_body(node, request)))
    return changed(SETTINGS_KEY.id, action, headers=await share(node, request, [change]))


async def delete(node: Node, request: Request) -> Response:
    """Share no settings any more; each node goes by its own."""
    refuse_without_cluster(node)
    await share(node, request, [Change(SETTINGS_KEY, None)])
    return changed(SETTINGS_KEY.id, "deleted")
