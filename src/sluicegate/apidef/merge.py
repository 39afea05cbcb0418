"""How one policy after another is merged into a key's rights and limits (contract 03.4, steps 5 to 8)."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from sluicegate.apidef.generosity import (
    NOT_LIMITED,
    is_more,
    merge_endpoints,
    merge_methods,
    merge_primitives,
    more,
    seconds_each,
)
from sluicegate.apidef.policy_document import Policy, PolicyPartitions
from sluicegate.apidef.rights import merge_rights
from sluicegate.apidef.session import AccessDefinition, APILimit, RateLimitSmoothing, Session


class Limits(msgspec.Struct, frozen=True):
    """The limits that stand on the session itself."""

    rate: float
    per: float
    smoothing: RateLimitSmoothing | None
    throttle_interval: float
    throttle_retry_limit: int
    max_query_depth: int
    quota_max: int
    quota_remaining: int
    quota_renews: int
    quota_renewal_rate: int

    @classmethod
    def of(cls, session: Session) -> Limits:
        """Return the limits of a session."""
        return cls(*[getattr(session, name) for name in cls.__struct_fields__])

    def without(self, parts: PolicyPartitions) -> Limits:
        """Return them without the parts that a policy sets; all of them if it names none."""
        every = not parts.any_part
        limits = self
        if parts.quota or every:
            limits = replace(limits, quota_max=0, quota_remaining=0)
        if parts.rate_limit or every:
            limits = replace(limits, rate=0.0, per=0.0, smoothing=None, throttle_interval=0.0, throttle_retry_limit=0)
        if parts.complexity or every:
            limits = replace(limits, max_query_depth=0)
        return limits

    def put_rate(self, limit: APILimit) -> APILimit:
        """Return an API's limit with this rate."""
        return replace(
            limit,
            rate=self.rate,
            per=self.per,
            smoothing=self.smoothing,
            throttle_interval=self.throttle_interval,
            throttle_retry_limit=self.throttle_retry_limit,
        )

    def put_quota(self, limit: APILimit) -> APILimit:
        """Return an API's limit with this quota."""
        return replace(
            limit,
            quota_max=self.quota_max,
            quota_renewal_rate=self.quota_renewal_rate,
            quota_renews=self.quota_renews,
        )

    def put_on(self, session: Session, rights: Any) -> Session:
        """Return the session with these limits and rights."""
        return replace(session, access_rights=rights, **msgspec.structs.asdict(self))


class Merged:
    """What the policies merged so far have come to.

    limits: what stands on the session.
    rights: what stands on each API.
    did_*:  the APIs for which a policy has set that part.
    """

    def __init__(self, session: Session, limits: Limits) -> None:
        self.session = session
        self.limits = limits
        self.rights: dict[str, AccessDefinition] = {}
        self.did_acl: set[str] = set()
        self.did_quota: set[str] = set()
        self.did_rate: set[str] = set()
        self.did_complexity: set[str] = set()

    def add(self, policy: Policy) -> None:
        """Merge one more policy."""
        if policy.partitions.per_api:
            for api_id, entry in policy.access_rights.items():
                self._add_whole(policy, api_id, entry)
            return
        parts = policy.partitions
        if not parts.any_part:
            parts = PolicyPartitions(quota=True, rate_limit=True, complexity=True, acl=True)
        for api_id, entry in policy.access_rights.items():
            self._add_parts(policy, parts, api_id, entry)
        if not policy.access_rights:
            self._put_on_session(policy, parts)

    def settle_root(self, rights: dict[str, AccessDefinition]) -> None:
        """With a single API, its limits are the session's too (contract 03.4, step 8)."""
        if len(self.did_quota) == len(self.did_rate) == len(self.did_complexity) == 1:
            for entry in rights.values():
                limit = entry.limit
                self.limits = replace(
                    self.limits,
                    rate=limit.rate,
                    per=limit.per,
                    smoothing=limit.smoothing,
                    quota_max=limit.quota_max,
                    quota_renews=limit.quota_renews,
                    quota_renewal_rate=limit.quota_renewal_rate,
                    max_query_depth=limit.max_query_depth,
                )

    def _add_whole(self, policy: Policy, api_id: str, entry: AccessDefinition) -> None:
        """A per-API policy: the entry as it stands, with its limits or else the policy's."""
        limit, scope = entry.limit, api_id
        if limit.is_empty:
            limit, scope = _limit_of(policy), policy.id
        own = self.session.access_rights.get(api_id)
        if own is not None and not own.limit.is_empty:
            limit = replace(limit, quota_renews=own.limit.quota_renews)
        entry = replace(
            entry,
            limit=replace(limit, set_by=scope),
            allowance_scope=scope,
            disable_introspection=entry.disable_introspection or (own is not None and own.disable_introspection),
        )
        before = self.rights.get(api_id)
        self.rights[api_id] = entry if before is None else _more_generous(entry, before)
        for done in (self.did_acl, self.did_quota, self.did_rate, self.did_complexity):
            done.add(api_id)

    def _add_parts(self, policy: Policy, parts: PolicyPartitions, api_id: str, entry: AccessDefinition) -> None:
        """A plain or partitioned policy: its own limits, part by part."""
        merged = self.rights.get(api_id, AccessDefinition())
        limit = merged.limit
        if parts.acl:
            self.did_acl.add(api_id)
            merged = merge_rights(merged, entry)
            limit = replace(limit, set_by=policy.id)
        if parts.quota:
            self.did_quota.add(api_id)
            limit = self._more_quota(policy, limit)
        if parts.rate_limit:
            self.did_rate.add(api_id)
            limit = self._more_rate(policy, limit)
            merged = replace(
                merged,
                endpoints=merge_endpoints(merged.endpoints, entry.endpoints),
                json_rpc_methods=merge_methods(merged.json_rpc_methods, entry.json_rpc_methods),
                mcp_primitives=merge_primitives(merged.mcp_primitives, entry.mcp_primitives),
            )
        if parts.complexity:
            self.did_complexity.add(api_id)
            depth = more(limit.max_query_depth, policy.max_query_depth)
            limit = replace(limit, max_query_depth=depth)
            self.limits = replace(self.limits, max_query_depth=more(self.limits.max_query_depth, depth))
        own = self.session.access_rights.get(api_id)
        if own is not None and not own.limit.is_empty:
            limit = replace(limit, quota_renews=own.limit.quota_renews)
        self.rights[api_id] = replace(merged, limit=limit)

    def _more_quota(self, policy: Policy, limit: APILimit) -> APILimit:
        quota = more(limit.quota_max, policy.quota_max)
        renewal = max(limit.quota_renewal_rate, policy.quota_renewal_rate)
        self.limits = replace(
            self.limits,
            quota_max=more(self.limits.quota_max, quota),
            quota_renewal_rate=max(self.limits.quota_renewal_rate, renewal),
        )
        return replace(limit, quota_max=quota, quota_renewal_rate=renewal)

    def _more_rate(self, policy: Policy, limit: APILimit) -> APILimit:
        offered = seconds_each(policy.rate, policy.per)
        if offered is not None:
            if _is_faster(offered, seconds_each(limit.rate, limit.per)):
                limit = replace(limit, rate=policy.rate, per=policy.per, smoothing=policy.smoothing)
            if _is_faster(offered, seconds_each(self.limits.rate, self.limits.per)):
                self.limits = replace(self.limits, rate=policy.rate, per=policy.per, smoothing=policy.smoothing)
        self.limits = replace(self.limits, **_more_throttle(policy, self.limits))
        return replace(limit, **_more_throttle(policy, limit))

    def _put_on_session(self, policy: Policy, parts: PolicyPartitions) -> None:
        """A policy that names no API sets the session's own limits."""
        if parts.rate_limit:
            self.limits = replace(
                self.limits,
                rate=policy.rate,
                per=policy.per,
                smoothing=policy.smoothing,
                throttle_interval=policy.throttle_interval,
                throttle_retry_limit=policy.throttle_retry_limit,
            )
        if parts.complexity:
            self.limits = replace(self.limits, max_query_depth=policy.max_query_depth)
        if parts.quota:
            self.limits = replace(self.limits, quota_max=policy.quota_max, quota_renewal_rate=policy.quota_renewal_rate)


def _limit_of(policy: Policy) -> APILimit:
    return APILimit(
        rate=policy.rate,
        per=policy.per,
        smoothing=policy.smoothing,
        throttle_interval=policy.throttle_interval,
        throttle_retry_limit=policy.throttle_retry_limit,
        max_query_depth=policy.max_query_depth,
        quota_max=policy.quota_max,
        quota_renewal_rate=policy.quota_renewal_rate,
    )


def _is_faster(offered: float, present: float | None) -> bool:
    return present is None or offered < present


def _more_throttle(policy: Policy, limit: APILimit | Limits) -> dict[str, Any]:
    return {
        "throttle_interval": max(limit.throttle_interval, policy.throttle_interval),
        "throttle_retry_limit": max(limit.throttle_retry_limit, policy.throttle_retry_limit),
    }


def _more_generous(entry: AccessDefinition, before: AccessDefinition) -> AccessDefinition:
    """Return the later of two per-API entries with what the earlier one gave more of (contract 03.4, step 5).

    Where that is anything, the limits count under the earlier one's scope.
    """
    new, old, scope = entry.limit, before.limit, entry.allowance_scope
    is_slower, is_less = _each(old) < _each(new), is_more(old.quota_max, new.quota_max)
    if is_slower:
        new = replace(new, rate=old.rate, per=old.per, smoothing=old.smoothing)
    if is_less:
        new = replace(new, quota_max=old.quota_max)
    if is_slower or is_less:
        scope, new = before.allowance_scope, replace(new, set_by=old.set_by)
    renewal = max(new.quota_renewal_rate, old.quota_renewal_rate)
    new = replace(new, quota_renewal_rate=0 if new.quota_max == NOT_LIMITED else renewal)
    return replace(
        entry,
        limit=new,
        allowance_scope=scope,
        endpoints=merge_endpoints(before.endpoints, entry.endpoints),
        json_rpc_methods=merge_methods(before.json_rpc_methods, entry.json_rpc_methods),
        mcp_primitives=merge_primitives(before.mcp_primitives, entry.mcp_primitives),
    )


def _each(limit: APILimit) -> float:
    """Return the seconds each request takes; what is not limited takes none."""
    return seconds_each(limit.rate, limit.per) or 0.0
