"""What limits one key on one API: worked out once for each session, so that a request only has to count.

A session that is in use is never changed; a key that was written has a new one. So a plan holds as long as it is asked
for with the very session that it was made from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sluicegate.apidef.pattern import Pattern, path_pattern
from sluicegate.apidef.session import AccessDefinition, APILimit, RateLimitSmoothing, Session
from sluicegate.chain.counter_names import endpoint_counter
from sluicegate.chain.variables import Template
from sluicegate.errors import ConfigError
from sluicegate.store import names
from sluicegate.store.limiter import LONGEST_WINDOW_S
from sluicegate.store.limiters.smoothing import is_valid

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange
    from sluicegate.settings.model import Settings


@dataclass(frozen=True, slots=True)
class EndpointLimit:
    """A rate for one path and method in the place of the key's (contract 07.1 step 2)."""

    method: str
    pattern: Pattern
    counter: str
    rate: float
    per_s: float


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """The counters of a key on an API, and what they may reach.

    session:       what the plan was made from.
    rate_counter:  name of the rate's counter; "" when the rate is not limited.
    version:       `last_updated` of the key: a key that was written begins anew (contract 07.5).
    quota_counter: name of the quota's counter; "" when there is no quota.
    shown_quota:   X-RateLimit-Limit, -Remaining and -Reset where nothing is counted (contract 07.11).
    retries:       how often a request over the rate is tried again, each time after `retry_interval_s`.
    smoothing:     how the rate grows and shrinks (contract 07.9); an endpoint's does not.
    varies:        whether a request may have other counters than these: see `for_request`.
    """

    session: Session
    scope: str
    rate_counter: str
    rate: float
    per_s: float
    version: str
    quota_counter: str
    quota_max: int
    quota_renewal_s: int
    shown_quota: tuple[int, int, int]
    retries: int
    retry_interval_s: float
    smoothing: RateLimitSmoothing | None
    endpoints: tuple[EndpointLimit, ...]
    own_key: Template | None
    varies: bool
    allowed: int = field(init=False)
    node_counter: str = field(init=False)
    """What the rate comes to, and its counter's name with the version, as the node's own limiter counts."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowed", (int(self.rate) or 1) if self.rate > 0 and self.per_s >= 1 else 0)
        counter = self.rate_counter if self.allowed else ""
        object.__setattr__(self, "node_counter", f"{counter}:{self.version}" if counter and self.version else counter)

    def for_request(self, exchange: Exchange, key_name: str) -> KeyPlan:
        """Return the plan for one request: with its endpoint's rate, and under the key that `rate_limit_pattern` makes.

        key_name: how the key is stored; what takes its place is used as it is (contract 07.7).
        """
        endpoint = self._endpoint_of(exchange)
        own = self.own_key.render(exchange) if self.own_key is not None else ""
        plan = self
        if endpoint is not None:
            counter = names.rate_limit(own or key_name, self.scope, endpoint.counter) if endpoint.rate > 0 else ""
            plan = replace(self, rate_counter=counter, rate=endpoint.rate, per_s=endpoint.per_s, smoothing=None)
        elif own and self.rate_counter:
            plan = replace(self, rate_counter=names.rate_limit(own, self.scope))
        if own:
            quota_counter = names.quota(own, self.scope) if self.quota_counter else ""
            plan = replace(plan, quota_counter=quota_counter, version="")
        return plan

    def _endpoint_of(self, exchange: Exchange) -> EndpointLimit | None:
        method = exchange.request.method.decode("ascii").upper()
        for endpoint in self.endpoints:
            if endpoint.method == method and endpoint.pattern.found(exchange.match_paths[1]):
                return endpoint
        return None


class Planner:
    """Makes plans for one API.

    limits_rate, limits_quota: whether the API has these limits at all.
    """

    __slots__ = ("_api_id", "_limits_quota", "_limits_rate", "_settings")

    def __init__(self, api_id: str, limits_rate: bool, limits_quota: bool, settings: Settings) -> None:
        self._api_id, self._settings = api_id, settings
        self._limits_rate, self._limits_quota = limits_rate, limits_quota

    def plan(self, session: Session, key_name: str) -> KeyPlan:
        """Return what limits this session, which is stored as `key_name`."""
        rights = session.access_rights.get(self._api_id)
        scope = rights.allowance_scope if rights is not None else ""
        limit: APILimit | Session = session if rights is None or rights.limit.is_empty else rights.limit
        own_key = _own_key(session)
        endpoints = self._endpoints(rights) if rights is not None and self._limits_rate else ()
        return KeyPlan(
            session=session,
            scope=scope,
            rate_counter=names.rate_limit(key_name, scope) if self._limits_rate and limit.rate > 0 else "",
            rate=limit.rate,
            per_s=min(limit.per, LONGEST_WINDOW_S),
            version=session.last_updated,
            quota_counter=names.quota(key_name, scope) if self._limits_quota and limit.quota_max > 0 else "",
            quota_max=limit.quota_max,
            quota_renewal_s=min(limit.quota_renewal_rate, LONGEST_WINDOW_S),
            shown_quota=(limit.quota_max, max(0, limit.quota_remaining), limit.quota_renews),
            retries=limit.throttle_retry_limit if limit.throttle_interval > 0 else 0,
            retry_interval_s=limit.throttle_interval,
            smoothing=limit.smoothing if is_valid(limit.smoothing) else session.smoothing,
            endpoints=endpoints,
            own_key=own_key,
            varies=bool(endpoints) or own_key is not None,
        )

    def _endpoints(self, rights: AccessDefinition) -> tuple[EndpointLimit, ...]:
        """Return the limits of single endpoints; one whose pattern RE2 refuses limits nothing."""
        options = self._settings.http_server_options
        prefix, suffix = options.enable_path_prefix_matching, options.enable_path_suffix_matching
        limits = []
        for endpoint in rights.endpoints:
            try:
                pattern = path_pattern(endpoint.path, prefix=prefix, suffix=suffix)
            except ConfigError:
                continue
            limits += [
                EndpointLimit(
                    method.name.upper(),
                    pattern,
                    endpoint_counter(method.name, endpoint.path, self._settings),
                    method.limit.rate,
                    min(method.limit.per, LONGEST_WINDOW_S),
                )
                for method in endpoint.methods
            ]
        return tuple(limits)


def _own_key(session: Session) -> Template | None:
    """Return the text that `meta_data.rate_limit_pattern` counts under, or None."""
    text = session.meta_data.get("rate_limit_pattern")
    if not isinstance(text, str) or not text:
        return None
    try:
        return Template(text)
    except ConfigError:
        return None
