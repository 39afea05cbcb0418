"""What nodes tell each other over the store, signed as Tyk signs it (contract 05.5).

A message is `{"command":"…","payload":"…","signature":"…","algorithm":5}`; `notice_signatures` has what a signature is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from sluicegate.errors import SluicegateError
from sluicegate.store.notice_signatures import SHA256_ALGORITHM, Signatures, signature_of

KEYS_CHANGED = "KeySpaceUpdateNotification"
GROUP_RELOAD = "GroupReload"
SERVER_IS_THERE = "NoticeGatewayDRLNotification"
DELETE_API_CACHE = "DeleteAPICache"
PURGE_LAPSED_TOKENS = "OAuthPurgeLapsedTokens"
RELOADS = frozenset({"ApiUpdated", "ApiRemoved", "ApiAdded", "PolicyChanged", GROUP_RELOAD})
"""Commands that ask for a reload, whatever their payload."""
GENERATION = "ClusterGeneration"
CERTIFICATES_CHANGED = "ClusterCertificates"
"""Ours: Tyk's nodes say nothing of certificates, and forget theirs after five minutes."""
CLIENT_CHANGED = "ClusterOAuthClient"
"""Ours: Tyk's nodes say nothing of OAuth clients either."""
OURS_ALONE = frozenset({GENERATION, CERTIFICATES_CHANGED, CLIENT_CHANGED})
"""Commands that no node of Tyk knows: they have a channel of their own."""
NOTHING_TO_DO = {
    "NoticeConfigUpdated": "settings are not taken from a Dashboard",
    "NoticeDashboardZeroConf": "there is no Dashboard to talk to",
    "NoticeDashboardConfigRequest": "settings are not shown to a Dashboard",
    "NoticeGatewayConfigResponse": "it is for the Dashboard",
    "InvalidateJWKSCacheForAPI": "there are no key sets",
    "ClientIdPChanged": "there are no identity providers",
    "UserKeyReset": "there is no hub to show a key to",
}
"""Commands of Tyk that need nothing done here, and why."""
UNSIGNED = frozenset({"NoticeGatewayConfigResponse"})
"""Of those, what a gateway passes over before it looks at the signature: any other gateway may have said it."""
OURS = "sluicegate:"
"""Begins the payload when such a command is ours: our own nodes need no reload then, they read what has changed."""


class _Message(msgspec.Struct):
    command: str = ""
    payload: str = ""
    signature: str = ""
    algorithm: int = 0


_decode = msgspec.json.Decoder(_Message).decode


class NotOurs(SluicegateError):
    """A message that nobody of us has sent.

    fault: what is wrong with it; command: what it asks for, "" when it is no message at all.
    """

    def __init__(self, fault: str, command: str = "") -> None:
        super().__init__(fault)
        self.fault, self.command = fault, command


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that a node told."""

    command: str
    payload: str = ""

    def keys(self) -> list[str]:
        """Return the names of keys in the payload of KEYS_CHANGED; what Tyk hangs on them is taken off."""
        return [name.partition(":")[0] for name in self.payload.split(",") if name]

    def certificates(self) -> list[str]:
        """Return the ids in the payload of CERTIFICATES_CHANGED."""
        return [one for one in self.payload.split(",") if one]


def keys_changed(names: Iterable[str]) -> Notice:
    """Return the notice that sessions were written."""
    return Notice(KEYS_CHANGED, ",".join(names))


def certificates_changed(ids: Iterable[str]) -> Notice:
    """Return the notice that certificates were written or removed."""
    return Notice(CERTIFICATES_CHANGED, ",".join(ids))


def client_changed(name: str) -> Notice:
    """Return the notice that an OAuth client was made or removed, by the name of its record in the store."""
    return Notice(CLIENT_CHANGED, name)


def generation_changed(generation: int, *, for_tyk: bool = False) -> Notice:
    """Return the notice that the cluster's documents have a new generation; for nodes of Tyk, a reload."""
    return Notice("ApiUpdated", f"{OURS}{generation}") if for_tyk else Notice(GENERATION, str(generation))


def is_generation(notice: Notice) -> bool:
    """Return whether a notice tells of the cluster's documents."""
    return notice.command == GENERATION or (notice.command in RELOADS and notice.payload.startswith(OURS))


def sign(notice: Notice, node_secret: str) -> bytes:
    """Return a notice as it is published."""
    payload = notice.payload.encode("utf-8", "replace").decode()  # a token may hold what is no text; JSON may not
    signature = signature_of(notice.command, payload, node_secret)
    return msgspec.json.encode(_Message(notice.command, payload, signature, SHA256_ALGORITHM))


def read_notice(message: bytes, signatures: Signatures) -> Notice:
    """Return what a message says. Raises NotOurs when it is no message, or not signed by one of us."""
    try:
        read = _decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotOurs("no notice") from None
    if read.command in UNSIGNED:
        return Notice(read.command)
    fault = signatures.fault(read.command, read.payload, read.signature, read.algorithm)
    if fault:
        raise NotOurs(fault, read.command)
    return Notice(read.command, read.payload)
