"""Changes of the cluster tried before they are written: read and built as a node does it, without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing

from sluicegate.apidef.api import Api
from sluicegate.cli.cluster_store import ClusterStore, RefusedChanges
from sluicegate.cli.rehearsal import rehearsal_reloader
from sluicegate.cluster.document import API, Content, Envelope, Key, content_of
from sluicegate.cluster.documents import Change
from sluicegate.errors import ConfigError
from sluicegate.routing.proof import Proof
from sluicegate.routing.reload import Place, place_of
from sluicegate.routing.shared import api_of
from sluicegate.store.certificates import Certificates
from sluicegate.store.shared_counters import SharedCounters
from sluicegate.store.stored_certificates import asked_for, read_stored


async def try_out(store: ClusterStore, changes: Sequence[Change]) -> None:
    """Read and build what is to be written. Raises RefusedChanges, StoreError."""
    contents = {change.key: change.content for change in changes}
    places = await _places(store, contents)
    apis = [api for content in contents.values() if (api := _api(store, content)) is not None]
    stored, _ = await read_stored(store.backend, asked_for(store.settings, apis), store.settings)
    with closing(SharedCounters(None)) as counters:
        builder = rehearsal_reloader(store.settings, counters, Certificates(stored)).builder
        assert builder is not None
        errors = await Proof(store.settings, builder, lambda place: places.get(place, ())).refusals(contents)
    if errors:
        raise RefusedChanges(errors)


async def _places(store: ClusterStore, changed: Mapping[Key, Content | None]) -> dict[Place, list[str]]:
    """Return who wants which place, of the definitions that stay as they are."""
    keys = [key for key in await store.documents.index() if key.kind == API and key not in changed]
    places: dict[Place, list[str]] = {}
    for key, envelope in (await store.documents.fetch(keys)).items():
        if isinstance(envelope, Envelope):
            api = _api(store, content_of(envelope.content, key))
            if api is not None:
                places.setdefault(place_of(api), []).append(key.id)
    return places


def _api(store: ClusterStore, content: Content | None) -> Api | None:
    """Return the API that a document defines; None when it defines none, of which the proof says why."""
    if content is None or content.kind != API:
        return None
    try:
        return api_of(content, store.settings)
    except ConfigError:
        return None
