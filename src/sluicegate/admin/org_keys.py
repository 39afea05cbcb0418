"""`/tyk/org/keys`: sessions of organisations, which limit all their keys together (contract 04.7).

Other nodes are told of them by the hash of their id, as Tyk does.
"""

from __future__ import annotations

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.body import read_body
from sluicegate.admin.envelope import Refused, answer, changed
from sluicegate.admin.key_counters import reset_counters
from sluicegate.admin.key_session import timestamp
from sluicegate.admin.keys import KeyList
from sluicegate.admin.node import Node
from sluicegate.admin.query import query_of
from sluicegate.apidef import gojson
from sluicegate.apidef.lifetime import moment_in
from sluicegate.apidef.session import Session
from sluicegate.chain.counter_names import org_counter
from sluicegate.errors import ConfigError, StoreError
from sluicegate.store.tokens import hash_text

NOT_FOUND = "Org not found"


async def show_all(node: Node, request: Request) -> Response:
    """Answer the ids of organisations that have a session."""
    if not node.apis():
        raise Refused(404, "ORG not found")
    return answer(KeyList(await node.keys.list_orgs(query_of(request).get("filter", ""))))


async def show(node: Node, request: Request) -> Response:
    """Answer the session of one organisation."""
    session = await node.keys.load_org(request.path_params["orgID"]) if node.apis() else None
    if session is None:
        raise Refused(404, NOT_FOUND)
    return answer(session)


async def write(node: Node, request: Request) -> Response:
    """Give an organisation a session, or replace it."""
    org_id = request.path_params["orgID"]
    try:
        session = gojson.decode(await read_body(node, request), Session)
    except ConfigError:
        raise Refused(400, "Request malformed") from None
    if not node.apis() and node.settings.suppress_default_org_store:
        raise Refused(404, "No such organisation found in Active API list")
    try:
        if query_of(request).get("reset_quota") == "1":
            session = replace(session, quota_renews=moment_in(session.quota_renewal_rate))
            await reset_counters(node, org_counter(org_id, node.settings), session)
        await node.keys.write_org(org_id, replace(session, last_updated=timestamp()))
        await node.forget_keys([hash_text(org_id)])
    except StoreError as error:
        raise Refused(500, f"Error writing to key store {error}") from None
    return changed(org_id, "added" if request.method == "POST" else "modified")


async def delete(node: Node, request: Request) -> Response:
    """Remove the session of an organisation."""
    org_id = request.path_params["orgID"]
    if not node.apis():
        raise Refused(404, NOT_FOUND)
    if not await node.keys.delete_org(org_id):
        raise Refused(400, "Failed to remove the key")
    await node.forget_keys([hash_text(org_id)])
    return changed(org_id, "deleted")
