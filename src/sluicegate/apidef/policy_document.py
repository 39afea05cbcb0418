"""A policy as it is written: a bundle of rights and limits that keys share (contract 03.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sluicegate.apidef.gotypes import NIL_MAP, GoStruct, Int64, Omit
from sluicegate.apidef.session import AccessDefinition, RateLimitSmoothing
from sluicegate.errors import SluicegateError


class PolicyError(SluicegateError):
    """The policies of a session cannot be applied; the text is Tyk's."""


class PolicyPartitions(GoStruct, frozen=True):
    """Which parts of a session a policy sets; none named means all four."""

    quota: bool = False
    rate_limit: bool = False
    complexity: bool = False
    acl: bool = False
    per_api: bool = False

    @property
    def any_part(self) -> bool:
        """Whether one of the four parts is named."""
        return self.quota or self.rate_limit or self.complexity or self.acl


class Policy(GoStruct, frozen=True, rename={"mid": "_id"}):
    """A bundle of rights that keys share (contract 03.3)."""

    mid: str = ""  # Mongo object id, hex
    id: str = ""
    name: str = ""
    org_id: str = ""
    rate: float = 0.0  # requests
    per: float = 0.0  # s
    quota_max: Int64 = 0  # -1 is unlimited
    quota_renewal_rate: Int64 = 0  # s
    throttle_interval: float = 0.0  # s
    throttle_retry_limit: int = 0
    max_query_depth: int = 0
    access_rights: Mapping[str, AccessDefinition] = NIL_MAP
    hmac_enabled: bool = False
    enable_http_signature_validation: bool = False
    active: bool = False
    is_inactive: bool = False
    tags: Sequence[str] = ()
    key_expires_in: Int64 = 0  # s, counted from the creation of a key
    post_expiry_action: Omit[str] = ""
    post_expiry_grace_period: Int64 = 0  # s
    partitions: PolicyPartitions = PolicyPartitions()
    last_updated: str = ""
    meta_data: Mapping[str, Any] = NIL_MAP
    graphql_access_rights: Any = None
    smoothing: RateLimitSmoothing | None = None
