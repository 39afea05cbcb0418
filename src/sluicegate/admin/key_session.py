"""How a session gets into the store: trial period, quota, time to live, who must hear of it (contract 03.5, 03.6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from sluicegate.admin.key_counters import reset_counters
from sluicegate.admin.node import Node
from sluicegate.apidef.api import Api
from sluicegate.apidef.lifetime import moment_in, session_ttl_s
from sluicegate.apidef.session import Session
from sluicegate.clock import now


async def save(node: Node, name: str, session: Session, *, reset: bool = True) -> None:
    """Store the session under its name; when this returns every worker goes by it.

    reset: the quota begins anew, unless all its APIs say `dont_set_quota_on_create`.
    """
    apis = apis_of(node, session)
    if reset and _may_reset(session, apis):
        session = replace(session, quota_renews=moment_in(session.quota_renewal_rate))
        await reset_counters(node, name, session)
    await node.keys.write(name, session, _ttl_s(node, session))
    await node.forget_keys([name])


async def change(node: Node, name: str, change: Callable[[Session], Session]) -> bool:
    """Make something else of a stored session, with its counters as they are; return whether it was there.

    change: may be asked again, see `KeyRecords.change`.
    """
    if await node.keys.change(name, change, lambda session: _ttl_s(node, session)) is None:
        return False
    await node.forget_keys([name])
    return True


def with_trial_period(node: Node, session: Session, *, is_new: bool) -> Session:
    """Return the session with the end that its policies set for new keys."""
    if not is_new or (session.access_rights and not apis_of(node, session)):
        return session
    for policy_id in session.apply_policies or ([session.apply_policy_id] if session.apply_policy_id else []):
        policy = node.policies.get(policy_id)
        if policy is not None and policy.org_id == session.org_id and policy.key_expires_in > 0:
            session = replace(session, expires=moment_in(policy.key_expires_in))
    return session


def apis_of(node: Node, session: Session) -> list[Api]:
    """Return the loaded APIs that the session has rights for; a master key has them for all."""
    if not session.access_rights:
        return node.apis()
    found = (node.find_api(api_id) for api_id in session.access_rights)
    return [api for api in found if api is not None]


def made_now() -> str:
    """Return the moment as RFC 3339, for `date_created`."""
    return datetime.fromtimestamp(now(), UTC).isoformat().replace("+00:00", "Z")


def timestamp() -> str:
    """Return the moment in Unix seconds as text, for `last_updated`."""
    return str(int(now()))


def _ttl_s(node: Node, session: Session) -> int:
    return session_ttl_s(session, [api.classic for api in apis_of(node, session)], node.settings)


def _may_reset(session: Session, apis: list[Api]) -> bool:
    is_complete = len(apis) == len(session.access_rights) or not session.access_rights
    return not is_complete or not apis or not all(api.classic.dont_set_quota_on_create for api in apis)
