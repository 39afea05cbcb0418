"""Refuses keys that are inactive or whose time has passed.

Runs for every API that is not `use_keyless` (contract 06.4 #18).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

NO_SESSION = Rejection(
    400,
    "Session state is missing or unset! Please make sure that auth headers are properly applied",
    "session_missing",
)
INACTIVE = Rejection(403, "Key is inactive, please renew", "key_inactive", flag="AKI")
EXPIRED = Rejection(401, "Key has expired, please renew", "key_expired", flag="TKE")


class KeyExpired(Middleware):
    """Looks at `is_inactive` and `expires` of the session."""

    name = "KeyExpired"
    runs_when_ignored = False

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step unless the API is open."""
        return None if api.classic.use_keyless else cls()

    def on_request(self, exchange: Exchange) -> Outcome:
        """Reject a key that no longer holds."""
        session = exchange.session
        if session is None:
            return NO_SESSION
        if session.is_inactive:
            return INACTIVE
        return EXPIRED if 1 <= session.expires < exchange.started_s else None
