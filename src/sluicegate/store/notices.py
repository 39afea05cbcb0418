"""What nodes tell each other over the store, signed as Tyk signs it (contract 05.5).

A message is `{"command":"…","payload":"…","signature":"…","algorithm":5}`; the signature is SHA-256 over command,
payload and the `node_secret` that all nodes share.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

SHA256_ALGORITHM = 5  # crypto.SHA256 of Go
KEYS_CHANGED = "KeySpaceUpdateNotification"
GROUP_RELOAD = "GroupReload"
SERVER_IS_THERE = "NoticeGatewayDRLNotification"
DELETE_API_CACHE = "DeleteAPICache"
RELOADS = frozenset({"ApiUpdated", "ApiRemoved", "ApiAdded", "PolicyChanged", GROUP_RELOAD})
"""Commands that ask for a reload, whatever their payload."""
GENERATION = "ClusterGeneration"
CERTIFICATES_CHANGED = "ClusterCertificates"
"""Ours: Tyk's nodes say nothing of certificates, and forget theirs after five minutes."""
OURS = "sluicegate:"
"""Begins the payload when such a command is ours: our own nodes need no reload then, they read what has changed."""


class _Message(msgspec.Struct):
    command: str = ""
    payload: str = ""
    signature: str = ""
    algorithm: int = 0


_decode = msgspec.json.Decoder(_Message).decode


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


def generation_changed(generation: int, *, for_tyk: bool = False) -> Notice:
    """Return the notice that the cluster's documents have a new generation; for nodes of Tyk, a reload."""
    return Notice("ApiUpdated", f"{OURS}{generation}") if for_tyk else Notice(GENERATION, str(generation))


def is_generation(notice: Notice) -> bool:
    """Return whether a notice tells of the cluster's documents."""
    return notice.command == GENERATION or (notice.command in RELOADS and notice.payload.startswith(OURS))


def sign(notice: Notice, node_secret: str) -> bytes:
    """Return a notice as it is published."""
    payload = notice.payload.encode("utf-8", "replace").decode()  # a token may hold what is no text; JSON may not
    signature = _signature(notice.command, payload, node_secret)
    return msgspec.json.encode(_Message(notice.command, payload, signature, SHA256_ALGORITHM))


def verify(message: bytes, node_secret: str, trusting: bool = False) -> Notice | None:
    """Return what a message says, or None when it is no message or not signed by one of us.

    trusting: `allow_insecure_configs`: signatures are not looked at.
    """
    try:
        read = _decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not trusting:
        expected = _signature(read.command, read.payload, node_secret)
        if read.algorithm != SHA256_ALGORITHM or not hmac.compare_digest(read.signature.encode(), expected.encode()):
            return None
    return Notice(read.command, read.payload)


def _signature(command: str, payload: str, node_secret: str) -> str:
    return hashlib.sha256((command + payload + node_secret).encode()).hexdigest()
