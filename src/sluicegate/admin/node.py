"""What the gateway API needs of the node it runs in; the composition root provides it.

Kept narrow on purpose: a test builds one in memory, and nothing in `admin/` knows of workers, sockets or how tables are
swapped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sluicegate.apidef.gotypes import GoStruct, Omit
from sluicegate.errors import SluicegateError

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.policy import PolicyBook
    from sluicegate.chain.services import Services
    from sluicegate.cluster.document import Key
    from sluicegate.cluster.documents import Change, Documents
    from sluicegate.cluster.status import Status
    from sluicegate.errors import ConfigError
    from sluicegate.settings.model import Settings
    from sluicegate.store.backend import Backend
    from sluicegate.store.keys import KeyStore


More = Callable[[], Awaitable["Sequence[Change]"]]
"""Returns changes that depend on what is there: asked when only we can write, and this worker serves by the newest."""


class ReloadError(SluicegateError):
    """A reload did not come to what was asked for; what was in force before still is.

    what: a text for whoever asked.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class ChangesRefused(SluicegateError):
    """Changes of the cluster's documents would not be accepted; nothing was written."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        super().__init__(errors)
        self.errors = errors


class Check(GoStruct, frozen=True, rename="camel"):
    """What a check of one component found, and when (RFC 3339); `output` says what is wrong (contract 04.2)."""

    status: str = ""
    output: Omit[str] = ""
    component_type: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class DebugRequest:
    """A request to be tried on a definition that is not loaded (contract 04.11).

    path is relative to the listen path.
    """

    method: str
    path: str
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, slots=True)
class DebugAnswer:
    """How a tried request ended.

    status, headers, body: the answer that a client would have got.
    logs: what was logged on the way, JSON lines.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    logs: str = ""


class Node(Protocol):
    """The node as the gateway API sees it."""

    services: Services
    keys: KeyStore
    policies: PolicyBook
    store: Backend
    version: str
    """What `/hello` says, such as `v1.0.0`."""

    @property
    def settings(self) -> Settings:
        """The settings in force: this node's own, and over them those that the cluster shares."""

    @property
    def is_draining(self) -> bool:
        """True from the moment that the node was asked to end."""

    def apis(self) -> list[Api]:
        """Return the definitions in force, also those that can't be routed, with the listen paths they have now."""

    def find_api(self, api_id: str) -> Api | None:
        """Return the definition with that id, or None."""

    async def reload(self, api_id: str = "", *, may_empty: bool = False) -> None:
        """Read definitions and policies again and return when they are in force on every worker.

        api_id: raise ReloadError too when the definition with this id was refused, though the others were not.
        may_empty: an empty folder is meant, since the last definition was removed.
        """

    @property
    def shares(self) -> bool:
        """True where documents are the cluster's: what is written goes to the store, not to files."""

    def shared_generation(self, key: Key) -> int:
        """Return which generation of the cluster wrote the document that is in force; 0: it is not the cluster's."""

    def shared_settings(self) -> bytes:
        """Return the document of the shared settings that are in force; `{}` when the cluster shares none."""

    async def share(
        self,
        changes: Sequence[Change],
        author: str,
        note: str = "",
        expected: int | None = None,
        more: More | None = None,
    ) -> int:
        """Write documents of the cluster; return their generation when every worker of this node serves by it.

        expected: the generation that the cluster must be at.
        more: tells what else is to be written.
        Raises ChangesRefused, ReloadError, and what `cluster.writer` raises.
        """

    @property
    def documents(self) -> Documents:
        """The cluster's documents and their history, in the store; only where `shares`."""

    async def roll_back(self, generation: int, author: str) -> int:
        """Share again what was shared at an earlier generation; return the new one, as `share` does, and raise so."""

    async def cluster_status(self) -> Status:
        """Return how the cluster is, as far as it is known; never raises."""

    async def reload_group(self) -> None:
        """Ask every node that shares the store to reload; return at once."""

    async def forget_keys(self, names: Iterable[str]) -> None:
        """Drop cached copies of sessions, by their names in the store, on every worker and node."""

    async def renew_certificates(self, ids: Iterable[str]) -> None:
        """Serve by what the store holds of these certificates now, on every worker; have other nodes do so."""

    async def client_changed(self, name: str) -> None:
        """Serve by what the store holds of an OAuth client now, on every worker; have other nodes do so.

        name: of its record in the store.
        """

    async def purge_lapsed_tokens(self) -> None:
        """Take OAuth tokens that expired some time ago out of the lists of clients, and have other nodes do so."""

    async def clear_cache(self, api_id: str) -> None:
        """Forget all stored responses of an API, on every worker. Raises StoreError."""

    def health(self) -> Mapping[str, Check]:
        """Return the last results of the health checks by component (contract 04.2); {} before the first."""

    def ready(self, *, needs_store: bool = True) -> tuple[bool, str]:
        """Return whether requests can be served, and if not, why.

        needs_store: what can be served with the store away is not enough.
        """

    async def debug_request(self, api: Api, request: DebugRequest) -> DebugAnswer:
        """Build the definition aside and run one request through it. Raises ConfigError when it can't be built."""
