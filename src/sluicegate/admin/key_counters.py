"""Quotas of a key as they stand, and their new beginning (contract 04.6, 07.10)."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from sluicegate.admin.node import Node
from sluicegate.apidef.session import APILimit, Session
from sluicegate.store import names

Limits = TypeVar("Limits", APILimit, Session)


async def with_quotas(node: Node, name: str, session: Session) -> Session:
    """Return the session with what is left of its quotas; a per-API quota that nobody used yet is whole."""
    rights = dict(session.access_rights)
    for api_id, access in rights.items():
        if access.limit.quota_max > 0:
            whole = replace(access.limit, quota_remaining=access.limit.quota_max)
            limit = await _counted(node, names.quota(name, access.allowance_scope), access.limit, whole)
            rights[api_id] = replace(access, limit=limit)
    if rights:
        session = replace(session, access_rights=rights)
    if session.quota_max > 0:
        session = await _counted(node, names.quota(name), session, session)
    return session


async def reset_counters(node: Node, name: str, session: Session) -> None:
    """Let all quotas of a key begin anew, and lift a rate limit that is exceeded."""
    scopes = {access.allowance_scope for access in session.access_rights.values() if access.allowance_scope}
    counters = [names.quota(name), *(names.quota(name, scope) for scope in sorted(scopes))]
    await node.services.limiter.reset([*counters, names.blocked(names.rate_limit(name))])


async def _counted(node: Node, counter: str, limits: Limits, unused: Limits) -> Limits:
    used = await node.services.limiter.quota_used(counter)
    if used is None:
        return unused
    count, renews_at_s = used
    remaining = max(0, limits.quota_max - count)
    return replace(limits, quota_remaining=remaining, quota_renews=int(renews_at_s) or limits.quota_renews)
