"""`/hello` and `/ready`: is the process alive, may it get traffic (contract 04.2). Open to everybody."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.envelope import Refused, answer
from sluicegate.admin.node import Check, Node
from sluicegate.admin.query import query_of
from sluicegate.apidef.gotypes import NIL_MAP, GoStruct, Omit

STORE, OPTIONAL = "store", "optional"


class Health(GoStruct, frozen=True):
    """How the node is: `status` is pass, warn or fail; `details` has a check by component, once there were any."""

    status: str
    version: str
    description: str
    details: Omit[Mapping[str, Check]] = NIL_MAP


async def hello(node: Node, request: Request) -> Response:
    """Answer 200 whatever the state: the state is in the document."""
    details = node.health()
    found = {check.status for check in details.values()}
    status = "pass" if found <= {"pass"} else "fail" if found == {"fail"} else "warn"
    return answer(Health(status, node.version, "Tyk GW", details))


async def ready(node: Node, request: Request) -> Response:
    """Answer 200 when requests can be served, else 503 with the reason.

    `?store=optional` is ours, for balancers: a node is not left out because the store is away, which it is for all.
    """
    needs_store = query_of(request).get(STORE) != OPTIONAL
    is_ready, why = (False, "Gateway is shutting down") if node.is_draining else node.ready(needs_store=needs_store)
    if not is_ready:
        raise Refused(503, why)
    return answer(Health("pass", node.version, "Tyk GW Ready", node.health()))
