"""What a middleware may use of the node, handed to `from_definition`; during a request it is `exchange.services`.

Nothing here is global: a test builds the `Services` it wants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluicegate.chain.key_change_hook import KeyChangeHook
from sluicegate.chain.passwords import Passwords
from sluicegate.store.certificates import Certificates

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.policy import PolicyBook
    from sluicegate.settings.model import Settings
    from sluicegate.store.cache import ResponseCache
    from sluicegate.store.keys import KeyStore
    from sluicegate.store.limiter import Limiter
    from sluicegate.store.oauth_tokens import OAuthTokens


@dataclass(slots=True)
class Services:
    """The node's parts that a chain works with.

    settings:  how this process runs.
    keys:      sessions by token (contract 05.2), cached in memory.
    policies:  the policies in force.
    limiter:   rates and quotas, exact over all workers that share it.
    cache:     stored responses (contract 09.8).
    oauth:     clients and tokens of the built-in OAuth server (contract 08.5).
    log:       writes one application log line: level, message, fields.
    certificates: what references to certificates lead to.
    passwords: checks passwords, and remembers for a while which ones fitted.
    key_change_hook: tells owners of APIs of new OAuth tokens, off the road.
    shows_rate: X-RateLimit-* tell of the rate, not of the quota (contract 07.11).
    """

    settings: Settings
    keys: KeyStore
    policies: PolicyBook
    limiter: Limiter
    cache: ResponseCache
    oauth: OAuthTokens
    log: Callable[..., None]
    certificates: Certificates = field(default_factory=Certificates)
    passwords: Passwords = field(default_factory=Passwords)
    key_change_hook: KeyChangeHook = field(default_factory=KeyChangeHook)
    shows_rate: bool = field(init=False)

    def __post_init__(self) -> None:
        self.adopt(self.settings)

    def adopt(self, settings: Settings) -> None:
        """Other settings are in force."""
        self.settings = settings
        self.shows_rate = settings.rate_limit_response_headers == "rate_limits"

    def tells_rate(self, api: Api) -> bool:
        """Return whether somebody is told what remains of a rate: the client, or by variables an API's upstream."""
        return self.shows_rate or api.classic.enable_context_vars
