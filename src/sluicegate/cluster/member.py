"""What a worker has of the cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sluicegate.cluster.documents import Documents
from sluicegate.cluster.follow import Follower, TakeOver
from sluicegate.cluster.lock import Lock
from sluicegate.cluster.open import shelf_of
from sluicegate.cluster.snapshot import Snapshot
from sluicegate.cluster.writer import Tell, Writer
from sluicegate.settings.beside import beside
from sluicegate.store.backend import LocalBackend

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings
    from sluicegate.store.backend import Backend

EMBEDDED_LOOK_S = 0.05
"""How often the embedded store is looked at, which tells nobody of a change; a look is one read of a local file."""


@dataclass(frozen=True, slots=True)
class Member:
    """The shared documents, and how this worker reads and writes them."""

    documents: Documents
    follower: Follower
    writer: Writer


def member_of(
    settings: Settings, backend: Backend, take_over: TakeOver, tell: Tell, log: Callable[..., None]
) -> Member:
    """Return what a worker has of the cluster that its settings name."""
    is_local = isinstance(backend, LocalBackend)
    documents = Documents(shelf_of(backend))
    interval_s = EMBEDDED_LOOK_S if is_local else settings.cluster.data_sync_interval
    snapshot = None if is_local else Snapshot(snapshot_path(settings))
    follower = Follower(documents, take_over, log, interval_s, snapshot)
    return Member(documents, follower, Writer(documents, Lock(documents.shelf), tell))


def snapshot_path(settings: Settings) -> Path:
    """Return where the snapshot lies."""
    own = settings.sluicegate
    return Path(own.snapshot_path) if own.snapshot_path else beside(Path(own.store_path), ".snapshot")
