"""Lets only listed addresses in.

Asked for by `allowed_ips`, unless `ip_access_control_disabled` is set and `enable_ip_whitelisting` is not
(contract 06.4 #6). The client's address is that of contract 06.9; an unknown one is not let in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sluicegate.chain.middleware import Middleware
from sluicegate.chain.networks import Networks
from sluicegate.chain.outcome import Outcome, Rejection

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

NOT_ALLOWED = Rejection(403, "access from this IP has been disallowed", "ip_not_allowed")


class IpAllow(Middleware):
    """The allow list of addresses."""

    name = "IPWhiteListMiddleware"

    def __init__(self, allowed: Networks) -> None:
        self._allowed = allowed

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when there is a list and it is switched on. Raises ConfigError for what is no address."""
        classic = api.classic
        if not classic.allowed_ips or (classic.ip_access_control_disabled and not classic.enable_ip_whitelisting):
            return None
        return cls(Networks(classic.allowed_ips, "allowed_ips"))

    def on_request(self, exchange: Exchange) -> Outcome:
        """Reject whoever is not on the list."""
        return None if self._allowed.has(exchange.client_ip) else NOT_ALLOWED
