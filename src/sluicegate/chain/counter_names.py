"""How counters are told apart that belong to no key: those of an API, an organisation, a single endpoint.

In a Redis that other nodes share they are Tyk's names, hashed as Tyk hashes them (contract 07.1, 07.8). That hash
leaves out the last letters of a text, so that the limits of `/ab1` and `/ab2` may be one; in an embedded store, where
nobody expects it, the text itself stands in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sluicegate.store.tokens import hash_text

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings


def endpoint_counter(method: str, path: str, settings: Settings) -> str:
    """Return what tells the counter of an endpoint from others of the same key; both are as the definition has them."""
    text = f"{method}:{path}"
    return hash_text(text) if settings.storage.type == "redis" else text


def api_counter(org_id: str, api_id: str, endpoint: str, settings: Settings) -> str:
    """Return the name under which an API's own limit is counted; `endpoint` is "" or from `endpoint_counter`."""
    text = f"apilimiter-{org_id}{api_id}" + (f"-{endpoint}" if endpoint else "")
    return _hashed(text, settings)


def org_counter(org_id: str, settings: Settings) -> str:
    """Return the name under which an organisation's requests are counted."""
    return _hashed(org_id, settings)


def _hashed(text: str, settings: Settings) -> str:
    return hash_text(text) if settings.hash_keys and settings.storage.type == "redis" else text
