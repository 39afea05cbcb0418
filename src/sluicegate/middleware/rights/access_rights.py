"""Refuses keys that have no right to this API, or to this version of it.

Runs for every API that is not `use_keyless` (contract 06.4 #19). A key without any rights may use every API. The key of
`access_rights` counts, not the `api_id` within; versions are looked at where the definition has classic versions.
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

NO_RIGHT = Rejection(403, "Access to this API has been disallowed", "api_access_denied", flag="AKI")
NO_RIGHT_TO_VERSION = Rejection(403, "Access to this API has been disallowed", "version_access_denied", flag="AKI")


class AccessRights(Middleware):
    """Looks at `access_rights` of the session."""

    name = "AccessRightsCheck"
    runs_when_ignored = False

    def __init__(self, api_id: str, has_versions: bool) -> None:
        self._api_id = api_id
        self._has_versions = has_versions

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step unless the API is open."""
        classic = api.classic
        return None if classic.use_keyless else cls(classic.api_id, not classic.version_data.not_versioned)

    def on_request(self, exchange: Exchange) -> Outcome:
        """Reject a key whose rights name other APIs or versions only."""
        session = exchange.session
        assert session is not None  # KeyExpired has seen to it
        all_rights = session.access_rights
        if not all_rights:
            return None
        rights = all_rights.get(self._api_id)
        if rights is None:
            return NO_RIGHT
        if self._has_versions and exchange.version_name not in rights.versions:
            return NO_RIGHT_TO_VERSION
        return None
