"""Refuses paths and methods that a key's rights do not list.

Runs for every API that is not `use_keyless`; a key asks for it by `access_rights{}.allowed_urls` (contract 06.4 #20).
The patterns are regular expressions, searched in the whole path; with `enable_path_prefix_matching` they are path
patterns, searched in the path with and without the listen path.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from sluicegate.apidef.pattern import compile_pattern, path_pattern
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection
from sluicegate.errors import ConfigError

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services
    from sluicegate.settings.model import Settings

NOT_LISTED = Rejection(403, "Access to this resource has been disallowed", "path_access_denied", flag="AKI")

REMEMBERED_PATTERNS = 1024


class GranularAccess(Middleware):
    """Looks at `allowed_urls` of the session's rights."""

    name = "GranularAccessMiddleware"
    runs_when_ignored = False

    def __init__(self, api_id: str, settings: Settings) -> None:
        options = settings.http_server_options
        self._api_id = api_id
        self._prefix = options.enable_path_prefix_matching
        self._suffix = options.enable_path_suffix_matching
        self._questions: dict[str, Callable[[str], object]] = {}

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step unless the API is open."""
        return None if api.classic.use_keyless else cls(api.api_id, services.settings)

    def on_request(self, exchange: Exchange) -> Outcome:
        """Reject what no entry allows."""
        session = exchange.session
        assert session is not None  # KeyExpired has seen to it
        rights = session.access_rights.get(self._api_id)
        if rights is None or not rights.allowed_urls:
            return None
        method = exchange.request.method.decode("ascii")
        _, relative, whole = exchange.match_paths
        for allowed in rights.allowed_urls:
            if method in allowed.methods:
                found = self._questions.get(allowed.url) or self._question(allowed.url)
                if found(whole) or (self._prefix and found(relative)):
                    return None
        return NOT_LISTED

    def _question(self, url: str) -> Callable[[str], object]:
        """Return the question that a pattern asks of a path; a pattern that RE2 refuses allows nothing."""
        try:
            pattern = path_pattern(url, prefix=True, suffix=self._suffix) if self._prefix else compile_pattern(url)
        except ConfigError:
            return _never
        if len(self._questions) >= REMEMBERED_PATTERNS:
            self._questions.clear()
        self._questions[url] = pattern.found
        return pattern.found


def _never(path: str) -> bool:
    return False
