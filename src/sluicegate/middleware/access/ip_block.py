"""Keeps listed addresses out.

Asked for by `blacklisted_ips`, unless `ip_access_control_disabled` is set and `enable_ip_blacklisting` is not
(contract 06.4 #7). The client's address is that of contract 06.9.
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

BLOCKED = Rejection(403, "access from this IP has been disallowed", "ip_blocked")


class IpBlock(Middleware):
    """The block list of addresses."""

    name = "IPBlackListMiddleware"

    def __init__(self, blocked: Networks) -> None:
        self._blocked = blocked

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when there is a list and it is switched on. Raises ConfigError for what is no address."""
        classic = api.classic
        if not classic.blacklisted_ips or (classic.ip_access_control_disabled and not classic.enable_ip_blacklisting):
            return None
        return cls(Networks(classic.blacklisted_ips, "blacklisted_ips"))

    def on_request(self, exchange: Exchange) -> Outcome:
        """Reject whoever is on the list."""
        return BLOCKED if self._blocked.has(exchange.client_ip) else None
