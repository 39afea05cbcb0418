"""Tells nodes, and those of Tyk, that the shared documents have changed: a hint, and who misses it looks by itself."""

from __future__ import annotations

from sluicegate.store import names
from sluicegate.store.backend import Backend, LocalBackend
from sluicegate.store.notices import generation_changed, sign


async def announce(backend: Backend, node_secret: str, generation: int) -> None:
    """Publish that there is a new generation. Raises StoreError."""
    if isinstance(backend, LocalBackend):
        return  # its messages reach this process only; who shares it looks often
    await backend.publish(names.CLUSTER_CHANNEL, sign(generation_changed(generation), node_secret))
    await backend.publish(names.NOTIFICATIONS, sign(generation_changed(generation, for_tyk=True), node_secret))
