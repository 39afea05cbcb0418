"""The session that a policy alone makes, for keys that nobody wrote a session for (contract 08.2, 08.5)."""

from __future__ import annotations

from sluicegate.apidef.policy_document import Policy
from sluicegate.apidef.session import Session


def session_of_policy(policy: Policy, policy_id: str) -> Session:
    """Return a session with the rights and limits of a policy, under which it also stays."""
    return Session(
        org_id=policy.org_id,
        apply_policies=[policy_id],
        allowance=policy.rate,
        rate=policy.rate,
        per=policy.per,
        throttle_interval=policy.throttle_interval,
        throttle_retry_limit=policy.throttle_retry_limit,
        max_query_depth=policy.max_query_depth,
        quota_max=policy.quota_max,
        quota_renewal_rate=policy.quota_renewal_rate,
        access_rights=policy.access_rights,
        hmac_enabled=policy.hmac_enabled,
        enable_http_signature_validation=policy.enable_http_signature_validation,
        is_inactive=policy.is_inactive,
        tags=policy.tags,
    )
