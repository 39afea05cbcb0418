"""What the limits of an API do while the store is away: what it says itself, or else what the settings say.

A definition says it in `limits_on_store_failure`, an OpenAPI document in the extension's `server.limitsOnStoreFailure`:
`local`, `open` or `closed` (`store.limiters.when_away`). Neither is known to Tyk, which keeps them and does not mind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluicegate.errors import ConfigError
from sluicegate.store.limiters.when_away import CHOICES

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.chain.services import Services
    from sluicegate.store.limiter import Limiter

FIELD = "limits_on_store_failure"


def limiter_of(api: Api, services: Services) -> Limiter:
    """Return what counts the requests of an API. Raises ConfigError."""
    choice = api.classic.limits_on_store_failure or services.settings.sluicegate.store_failure.limits
    if choice not in CHOICES:
        raise ConfigError(FIELD, f'"{choice}" is no choice', f"write {', '.join(CHOICES)}")
    return services.limiter.when_away(choice)
