"""`/tyk/health`: Tyk's older counters of one API, kept for the tools that still ask for them (contract 04.11).

They are deprecated and nothing of ours counts them: the figures are zero. `/metrics` has the real ones.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.envelope import Refused, answer
from sluicegate.admin.node import Node
from sluicegate.admin.query import query_of
from sluicegate.apidef.gotypes import GoStruct


class ApiHealth(GoStruct, frozen=True):
    """Averages over the last minute; the first name is misspelt in Tyk too."""

    throttle_reqests_per_second: float = 0.0
    quota_violations_per_second: float = 0.0
    key_failures_per_second: float = 0.0
    average_upstream_latency: float = 0.0
    average_requests_per_second: float = 0.0


async def show(node: Node, request: Request) -> Response:
    """Answer the counters of the API that `api_id` names."""
    if not node.settings.health_check.enable_health_checks:
        raise Refused(400, "Health checks are not enabled for this node")
    api_id = query_of(request).get("api_id", "")
    if not api_id:
        raise Refused(400, "missing api_id parameter")
    if node.find_api(api_id) is None:
        raise Refused(404, "API ID not found")
    return answer(ApiHealth())
