"""How the policies of a key become its rights and limits (contract 03.4). Pure: a session goes in, another comes out.

chosen      which policies, in order; one that is missing is skipped, unless it is the only one
cleared     what they will set is taken off the session
each        merged in turn, by API (`per_api`) or by part (`merge.Merged`)
settled     what no policy set is filled from the session, scopes of counters are named
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from sluicegate.apidef.gojson import convert
from sluicegate.apidef.gotypes import NIL_MAP
from sluicegate.apidef.merge import Limits, Merged
from sluicegate.apidef.policy_document import Policy, PolicyError
from sluicegate.apidef.session import AccessDefinition, Session
from sluicegate.errors import ConfigError

NO_VALID_POLICIES = "key has no valid policies to be applied"
MIXED = "cannot apply multiple policies when some have per_api set and some are partitioned"


def apply_policies(policies: Mapping[str, Policy], session: Session, org_id: str | None) -> Session:
    """Return the session with its policies applied, or itself when there is nothing to apply.

    policies: all in force, by id.
    org_id:   the API's organisation, for a session that names none; None when a key is made over the admin API.
    Raises PolicyError with Tyk's text.
    """
    org = session.org_id or org_id or ""
    inline = _inline_policies(session, org)
    ids = list(inline) if inline is not None else _policy_ids(session)
    if not ids:
        return _with_own_scopes(session)
    chosen = _chosen(ids, policies if inline is None else inline, org)
    merged = Merged(session, _cleared(session, policies, org))
    for policy in chosen:
        merged.add(policy)
    rights = _settled(merged)
    result = merged.limits.put_on(session, rights if merged.did_acl else session.access_rights)
    if not result.access_rights:
        raise PolicyError(NO_VALID_POLICIES)
    return replace(result, **_carried(session, chosen))


def _policy_ids(session: Session) -> list[str]:
    if session.apply_policies:
        return list(session.apply_policies)
    return [session.apply_policy_id] if session.apply_policy_id else []


def _inline_policies(session: Session, org: str) -> dict[str, Policy] | None:
    """Return the policies that stand in `meta_data.policies`, or None when there is no such list.

    One that names no organisation is of the session's.
    """
    written = session.meta_data.get("policies")
    if not isinstance(written, list):
        return None
    try:
        read = [convert(one, Policy) for one in written]
    except ConfigError as error:
        raise PolicyError(error.what) from None
    return {policy.id or str(at): replace(policy, org_id=policy.org_id or org) for at, policy in enumerate(read)}


def _visible(policies: Mapping[str, Policy], policy_id: str, org: str) -> Policy | None:
    """Return a policy by id and organisation; one of no organisation is for keys of none."""
    policy = policies.get(policy_id)
    return policy if policy is not None and policy.org_id == org else None


def _chosen(ids: Sequence[str], policies: Mapping[str, Policy], org: str) -> list[Policy]:
    chosen: list[Policy] = []
    for policy_id in ids:
        policy = _visible(policies, policy_id, org)
        if policy is not None:
            chosen.append(policy)
        elif len(ids) == 1:
            raise PolicyError(f'policy not found: "{policy_id}"')
    if not chosen:
        raise PolicyError(NO_VALID_POLICIES)
    for policy in chosen:
        if policy.partitions.per_api and policy.partitions.any_part:
            raise PolicyError(f"cannot apply policy {policy.id} which has per_api and any of partitions set")
    parts = [policy.partitions for policy in chosen]
    if any(part.per_api for part in parts) and any(part.any_part for part in parts):
        raise PolicyError(MIXED)
    return chosen


def _cleared(session: Session, policies: Mapping[str, Policy], org: str) -> Limits:
    """Return the session's own limits without those that its policies are to set."""
    limits = Limits.of(session)
    for policy_id in _policy_ids(session):
        policy = _visible(policies, policy_id, org)
        if policy is not None:
            limits = limits.without(policy.partitions)
    return limits


def _settled(merged: Merged) -> dict[str, AccessDefinition]:
    """Return the rights by API: only where an acl was given, missing parts filled from the session, scopes named."""
    setters = {entry.limit.set_by for entry in merged.rights.values() if entry.limit.set_by}
    own = merged.limits
    result = {}
    for api_id, entry in merged.rights.items():
        if api_id not in merged.did_acl:
            continue
        limit, endpoints = entry.limit, entry.endpoints
        if api_id not in merged.did_rate:
            limit, endpoints = own.put_rate(limit), ()
        if api_id not in merged.did_complexity:
            limit = replace(limit, max_query_depth=own.max_query_depth)
        if api_id not in merged.did_quota:
            limit = own.put_quota(limit)
        scope = entry.allowance_scope or (limit.set_by if len(setters) > 1 else "")
        limit = replace(limit, set_by="")
        result[api_id] = replace(entry, limit=limit, endpoints=endpoints, allowance_scope=scope)
    merged.settle_root(result)
    return result


def _carried(session: Session, chosen: Sequence[Policy]) -> dict[str, Any]:
    """Return the fields that are not limits: what each policy adds to them."""
    meta = dict(session.meta_data)
    tags = dict.fromkeys(session.tags)
    fields: dict[str, Any] = {
        "meta_data": meta,
        "last_updated": session.last_updated,
        "hmac_enabled": session.hmac_enabled,
        "enable_http_signature_validation": session.enable_http_signature_validation,
        "is_inactive": any(policy.is_inactive for policy in chosen),
        "post_expiry_action": session.post_expiry_action,
        "post_expiry_grace_period": session.post_expiry_grace_period,
    }
    for policy in chosen:
        meta.update(policy.meta_data)
        tags.update(dict.fromkeys(policy.tags))
        fields["last_updated"] = max(fields["last_updated"], policy.last_updated)
        fields["hmac_enabled"] |= policy.hmac_enabled
        fields["enable_http_signature_validation"] |= policy.enable_http_signature_validation
        fields["post_expiry_action"] = policy.post_expiry_action or fields["post_expiry_action"]
        fields["post_expiry_grace_period"] = policy.post_expiry_grace_period or fields["post_expiry_grace_period"]
    fields["tags"] = list(tags)
    return fields


def _with_own_scopes(session: Session) -> Session:
    """Without policies, limits of an API have counters of their own (contract 03.4, step 10)."""
    rights = session.access_rights
    if all(entry.limit.is_empty or entry.allowance_scope == api_id for api_id, entry in rights.items()):
        return session
    named = {
        api_id: entry if entry.limit.is_empty else replace(entry, allowance_scope=api_id)
        for api_id, entry in rights.items()
    }
    return replace(session, access_rights=named or NIL_MAP)
