"""`/tyk/cluster/history`, `/diff` and `/rollback`: who changed what, how generations differ, and the way back.

    GET  /tyk/cluster/history?limit=20      the latest generations, the newest first
    GET  /tyk/cluster/diff?from=40&to=41    the documents that two generations have otherwise, as they were in each
    POST /tyk/cluster/rollback              {"generation": 40}: what was shared then is shared again, as a new one

Without `to` the later one is what is shared now. History is bounded; a generation that it does not reach is a 404.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.body import read_body
from sluicegate.admin.cluster_apply import MALFORMED, Applied
from sluicegate.admin.envelope import Refused, answer, document
from sluicegate.admin.json_body import object_of
from sluicegate.admin.shared import author_of, refuse_without_cluster, refusing
from sluicegate.cluster.history import MOST_GENERATIONS, action_of
from sluicegate.cluster.past import differing, latest, readable
from sluicegate.errors import ConfigError

if TYPE_CHECKING:
    from sluicegate.admin.node import Node
    from sluicegate.cluster.document import Content

USUAL_LIMIT = 20


async def history(node: Node, request: Request) -> Response:
    """Answer what the latest generations did."""
    refuse_without_cluster(node)
    limit = _number(request, "limit", USUAL_LIMIT) or USUAL_LIMIT
    heads = await latest(node.documents, min(limit, MOST_GENERATIONS))
    return document({"generations": [readable(head) for head in heads]})


async def diff(node: Node, request: Request) -> Response:
    """Answer how two generations differ, document by document."""
    refuse_without_cluster(node)
    old, new = _number(request, "from"), _number(request, "to", None)
    if old is None:
        raise Refused(400, "from: the generation to begin with is missing")
    try:
        before, after = await differing(node.documents, old, new)
    except ConfigError as error:
        raise Refused(404, str(error)) from None
    changes = [
        {
            "kind": key.kind,
            "id": key.id,
            "action": action_of(before.get(key), after.get(key)),
            "before": _text_of(before.get(key)),
            "after": _text_of(after.get(key)),
        }
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]
    return document({"changes": changes})


async def rollback(node: Node, request: Request) -> Response:
    """Bring an earlier generation back; answer when every worker of this node serves by it."""
    refuse_without_cluster(node)
    generation = object_of(await read_body(node, request), MALFORMED).get("generation")
    if not isinstance(generation, int) or isinstance(generation, bool):
        raise Refused(400, "generation: expected the number of the one to bring back")
    with refusing(node):
        return answer(Applied("ok", await node.roll_back(generation, author_of(request))))


def _number(request: Request, name: str, otherwise: int | None = None) -> int | None:
    """Return a number of the query. Raises Refused 400."""
    text = request.query_params.get(name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(400, f"{name}: expected a number")
    return int(text)


def _text_of(content: Content | None) -> msgspec.Raw | None:
    """Return a document as it was written: the OpenAPI document of an API that has one."""
    return None if content is None else msgspec.Raw(content.classic if content.oas is None else content.oas)
