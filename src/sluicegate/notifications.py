"""What other nodes tell over the store, and what this node tells them (contract 05.5).

Only a hint is ever taken from a message: that something should be read again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from sluicegate.cluster.announce import announce
from sluicegate.errors import ConfigError, StoreError
from sluicegate.store import names
from sluicegate.store.backend import Backend, LocalBackend
from sluicegate.store.notice_signatures import Signatures, read_public_key
from sluicegate.store.notices import (
    CERTIFICATES_CHANGED,
    CLIENT_CHANGED,
    DELETE_API_CACHE,
    KEYS_CHANGED,
    NOTHING_TO_DO,
    OURS_ALONE,
    PURGE_LAPSED_TOKENS,
    RELOADS,
    SERVER_IS_THERE,
    Notice,
    NotOurs,
    is_generation,
    read_notice,
    sign,
)

if TYPE_CHECKING:
    from sluicegate.cluster.documents import State
    from sluicegate.settings.model import Settings

SHOWN_LENGTH = 100
"""How much of a command is logged that somebody has made up."""


class Notifications:
    """Hears and sends notices. With the embedded store there is nobody to talk to.

    on_keys:   sessions were written, by their names in the store.
    on_reload: definitions or policies changed somewhere.
    on_cache:  the stored responses of an API are to be forgotten.
    on_purge:  lapsed OAuth tokens are to be taken out of their lists.
    on_generation: the cluster's documents have changed.
    on_certificates: certificates were written or removed, by their ids.
    on_client: an OAuth client was made or removed, by the name of its record in the store.
    on_gap:    messages may have been missed.
    on_server: a node that shares the store has announced itself.
    """

    def __init__(
        self,
        backend: Backend,
        node_secret: str,
        *,
        signatures: Signatures,
        log: Callable[..., None],
        on_keys: Callable[[list[str]], None],
        on_reload: Callable[[], None],
        on_cache: Callable[[str], None],
        on_purge: Callable[[], None],
        on_generation: Callable[[], None],
        on_certificates: Callable[[list[str]], None],
        on_client: Callable[[str], None],
        on_gap: Callable[[], None],
        on_server: Callable[[str], None],
    ) -> None:
        self.backend, self.node_secret, self.signatures, self.log = backend, node_secret, signatures, log
        self.on_keys, self.on_reload, self.on_cache, self.on_gap = on_keys, on_reload, on_cache, on_gap
        self.on_purge, self.on_client = on_purge, on_client
        self.on_generation, self.on_certificates, self.on_server = on_generation, on_certificates, on_server

    def listen(self) -> None:
        """Hear what other nodes tell from now on."""
        if not isinstance(self.backend, LocalBackend):
            self.backend.subscribe(names.NOTIFICATIONS, self.hear, self.on_gap)
            self.backend.subscribe(names.CLUSTER_CHANNEL, self.hear)

    def hear(self, message: bytes) -> None:
        """Act on a message, if it is from one of us."""
        try:
            notice = read_notice(message, self.signatures)
        except NotOurs as error:
            fields = {"command": error.command[:SHOWN_LENGTH]} if error.command else {}
            self.log("error", "Payload signature is invalid!", prefix="pub-sub", error=error.fault, **fields)
            return
        self.act(notice)

    def act(self, notice: Notice) -> None:
        """Do what a notice asks for."""
        if notice.command == SERVER_IS_THERE:
            self.on_server(notice.payload)
        elif notice.command == KEYS_CHANGED:
            self.on_keys(notice.keys())
        elif is_generation(notice):
            self.on_generation()
        elif notice.command == CERTIFICATES_CHANGED:
            self.on_certificates(notice.certificates())
        elif notice.command == CLIENT_CHANGED:
            self.on_client(notice.payload)
        elif notice.command in RELOADS:
            self.on_reload()
        elif notice.command == DELETE_API_CACHE:
            self.on_cache(notice.payload)
        elif notice.command == PURGE_LAPSED_TOKENS:
            self.on_purge()
        elif (reason := NOTHING_TO_DO.get(notice.command)) is not None:
            self.log("debug", f"Nothing to do: {reason}", prefix="pub-sub", command=notice.command)
        else:
            self.log("warning", "Unknown command", prefix="pub-sub", command=notice.command[:SHOWN_LENGTH])

    async def tell_generation(self, state: State) -> None:
        """Tell other nodes, and those of Tyk, that the cluster's documents have changed."""
        try:
            await announce(self.backend, self.node_secret, state.generation)
        except StoreError as error:
            self.log("error", "Could not notify other nodes", prefix="pub-sub", error=str(error))

    async def announce(self, announcement: Callable[[], str], every_s: float) -> None:
        """Tell the others again and again that this node is there, until cancelled."""
        while True:
            message = sign(Notice(SERVER_IS_THERE, announcement()), self.node_secret)
            with contextlib.suppress(StoreError):  # whoever misses it hears the next
                await self.backend.publish(names.NOTIFICATIONS, message)
            await asyncio.sleep(every_s)

    async def send(self, notice: Notice) -> None:
        """Tell other nodes; that the store is away is no reason for a write to fail, which it has just taken."""
        if isinstance(self.backend, LocalBackend):
            return
        try:
            channel = names.CLUSTER_CHANNEL if notice.command in OURS_ALONE else names.NOTIFICATIONS
            await self.backend.publish(channel, sign(notice, self.node_secret))
        except StoreError as error:
            self.log(
                "error", "Could not notify other nodes", prefix="pub-sub", command=notice.command, error=str(error)
            )


def signatures_of(settings: Settings, say: Callable[..., None]) -> Signatures:
    """Return what checks who messages are from. A key that cannot be read is said, and no node stays away for it."""
    key = None
    try:
        key = read_public_key(settings.public_key_path)
    except ConfigError as error:
        say("error", "Messages that are signed with a key will not be heard", error=str(error))
    return Signatures(settings.node_secret, trusting=settings.allow_insecure_configs, public_key=key)
