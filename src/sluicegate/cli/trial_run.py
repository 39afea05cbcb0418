"""Changes of the cluster tried before they are written: read and built as a node does it, without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from sluicegate.cli.cluster_store import ClusterStore, RefusedChanges
from sluicegate.cli.rehearsal import rehearsal_reloader
from sluicegate.cluster.document import API, SETTINGS_KEY, Content, Envelope, Key, content_of
from sluicegate.cluster.documents import Change
from sluicegate.errors import ConfigError
from sluicegate.routing.proof import Proof
from sluicegate.routing.reload import Place, place_of
from sluicegate.routing.shared import apis_of, settings_with, shared_settings_of
from sluicegate.store.certificates import Certificates
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.store.stored_certificates import asked_for, read_stored

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings


async def try_out(store: ClusterStore, changes: Sequence[Change]) -> None:
    """Read and build what is to be written. Raises RefusedChanges, StoreError."""
    contents = {change.key: change.content for change in changes}
    kept = await _kept(store, contents)
    served = apis_of(kept.values(), store.settings)
    places: dict[Place, list[str]] = {}
    for api in served:
        places.setdefault(place_of(api), []).append(api.api_id)
    settings = _settings(store, kept.get(SETTINGS_KEY))
    coming = _settings(store, contents[SETTINGS_KEY]) if SETTINGS_KEY in contents else settings
    tried = apis_of(contents.values(), store.settings) + (served if coming != settings else [])
    stored, _ = await read_stored(store.backend, asked_for(coming, tried), settings)
    with closing(SharedCounters(None)) as counters:
        builder = rehearsal_reloader(settings, counters, Certificates(stored)).builder
        assert builder is not None
        proof = Proof(store.settings, builder, lambda place: places.get(place, ()), served)
        errors = await proof.refusals(contents)
    if errors:
        raise RefusedChanges(errors)


async def _kept(store: ClusterStore, changed: Mapping[Key, Content | None]) -> dict[Key, Content]:
    """Return the definitions that stay as they are, and the settings as they were; what cannot be read is left out."""
    index = await store.documents.index()
    keys = [key for key in index if key == SETTINGS_KEY or (key.kind == API and key not in changed)]
    fetched = await store.documents.fetch(keys)
    return {key: content_of(one.content, key) for key, one in fetched.items() if isinstance(one, Envelope)}


def _settings(store: ClusterStore, content: Content | None) -> Settings:
    """Return what a node with these settings serves by; its own, when what is shared is no such, as the proof says."""
    try:
        return settings_with(store.settings, shared_settings_of(content)) if content is not None else store.settings
    except ConfigError:
        return store.settings
