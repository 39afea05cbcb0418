"""`/tyk/keys`: look at keys and remove them (contract 04.6). `key_writes.py` makes and changes them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.envelope import Refused, answer, changed
from sluicegate.admin.key_ask import KeyAsk
from sluicegate.admin.key_counters import reset_counters, with_quotas
from sluicegate.admin.node import Node
from sluicegate.admin.query import query_of
from sluicegate.apidef.gotypes import GoStruct
from sluicegate.apidef.policy import PolicyError
from sluicegate.apidef.session import Session

NO_HASHES = "Key requested by hash but key hashing is not enabled"
NO_LISTING = "Hashed key listing is disabled in config (enable_hashed_keys_listing)"
NO_FILTER = "The 'filter' parameter (Org ID) is required when filtering by 'api_id' in legacy mode"
ALL_APIS = "-1"


class KeyList(GoStruct, frozen=True):
    """Names of keys, or of organisations."""

    keys: Sequence[str]


async def show_all(node: Node, request: Request) -> Response:
    """Answer the names under which keys are stored."""
    settings, query = node.settings, query_of(request)
    org_id, api_id = query.get("filter", ""), query.get("api_id", "")
    if settings.hash_keys:
        if not settings.enable_hashed_keys_listing:
            raise Refused(404, NO_LISTING)
        org_id = ""
    elif api_id and not org_id:
        raise Refused(400, NO_FILTER)
    names = await node.keys.list_names(org_id)
    if api_id:
        names = sorted([name async for name, session in node.keys.sessions(names) if api_id in session.access_rights])
    return answer(KeyList(names))


async def show(node: Node, request: Request) -> Response:
    """Answer one session: policies applied, quotas as they stand, without its password."""
    ask = KeyAsk.of(node, request)
    if not ask.given:
        return await show_all(node, request)
    if ask.hashed and not node.settings.hash_keys:
        raise Refused(400, NO_HASHES)
    api = node.find_api(ask.api_id) if ask.api_id else None
    org_id = api.classic.org_id if api is not None else ask.org_id

    async def attempt(name: str) -> Response:
        found = await node.keys.read(name, org_id, hashed=ask.hashed)
        if found is None:
            raise Refused(404, "Key not found")
        session = await with_quotas(node, found.name, applied(node, found.session))
        if session.basic_auth_data.password:
            session = replace(session, basic_auth_data=replace(session.basic_auth_data, password=""))
        return answer(session)

    return await ask.try_both(node, attempt)


async def delete(node: Node, request: Request) -> Response:
    """Remove a key and its counters."""
    ask = KeyAsk.of(node, request)

    async def attempt(name: str) -> Response:
        found = await node.keys.read(name, ask.org_id, hashed=ask.hashed, or_empty=True) if name else None
        if found is None:
            raise Refused(404, "There is no such key found")
        if not await node.keys.delete(found.name):
            raise Refused(400, "Failed to remove the key")
        await reset_counters(node, found.name, found.session)
        await node.forget_keys([found.name])
        return answer(None) if ask.api_id == ALL_APIS else changed(found.token, "deleted")

    return await ask.try_both(node, attempt)


def applied(node: Node, session: Session) -> Session:
    """Return the session with its policies; where they can't be applied, as it is stored."""
    try:
        return node.policies.apply(session, None)
    except PolicyError:
        return session
