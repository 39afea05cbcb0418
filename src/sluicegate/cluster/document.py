"""A shared document as it lies in the store: what somebody wrote, in an envelope that tells whether it is whole.

    envelope   format, generation that wrote it, SHA-256 of the content, content: MessagePack
    content    kind, id, what was written, OpenAPI document or none: MessagePack

A node that finds an envelope of a newer format, or content that is not what its checksum says, names it, and goes on
with what it has.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec

from sluicegate.errors import ConfigError

FORMAT = 1
"""Of envelope and content; a version of this gateway that writes another one counts on."""
API, POLICY, SETTINGS = "api", "policy", "settings"
KINDS = (API, POLICY, SETTINGS)
LONGEST_ID = 256
LARGEST_DOCUMENT_BYTES = 8 << 20
MOST_DOCUMENTS = 100_000


class Key(NamedTuple):
    """Which document: `api/orders`."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}"

    @classmethod
    def read(cls, text: str) -> Key:
        """Return the key that a text names."""
        kind, _, document_id = text.partition("/")
        return cls(kind, document_id)


SETTINGS_KEY = Key(SETTINGS, "gateway")
"""The settings that are shared are one document."""


class Content(msgspec.Struct, frozen=True, array_like=True):
    """What somebody wrote.

    classic: definition, policy or settings, JSON. oas: the OpenAPI document of an API that has one.
    """

    kind: str
    id: str
    classic: bytes
    oas: bytes | None = None

    @property
    def key(self) -> Key:
        """The key of the document."""
        return Key(self.kind, self.id)


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """Which version of a document: the generation that wrote it, and the checksum of its content."""

    generation: int
    checksum: bytes


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """A document in the store."""

    format: int
    generation: int
    checksum: bytes
    content: bytes

    @property
    def entry(self) -> Entry:
        """Which version this is."""
        return Entry(self.generation, self.checksum)


_encode = msgspec.msgpack.encode
_read_envelope = msgspec.msgpack.Decoder(Envelope).decode
_read_content = msgspec.msgpack.Decoder(Content).decode


def pack(content: Content) -> bytes:
    """Return the content as bytes. Raises ConfigError for one that must not be stored."""
    key = content.key
    if content.kind not in KINDS:
        raise ConfigError(str(key), f"no such kind of document; known are {', '.join(KINDS)}")
    if content.kind == SETTINGS and key != SETTINGS_KEY:
        raise ConfigError(str(key), f"the settings are one document, {SETTINGS_KEY}")
    if not content.id or len(content.id) > LONGEST_ID:
        raise ConfigError(str(key), f"an id has 1 to {LONGEST_ID} characters")
    packed = _encode(content)
    if len(packed) > LARGEST_DOCUMENT_BYTES:
        raise ConfigError(str(key), f"the document is longer than {LARGEST_DOCUMENT_BYTES} bytes")
    return packed


def checksum_of(packed: bytes) -> bytes:
    """Return the checksum of packed content."""
    return hashlib.sha256(packed).digest()


def seal(packed: bytes, generation: int) -> bytes:
    """Return packed content in its envelope."""
    return _encode(Envelope(FORMAT, generation, checksum_of(packed), packed))


def open_envelope(data: bytes, key: Key) -> Envelope:
    """Return the envelope, when its content is whole. Raises ConfigError."""
    try:
        envelope = _read_envelope(data)
    except msgspec.DecodeError:
        raise _unreadable(data, key) from None
    if envelope.format > FORMAT:
        raise _newer(envelope.format, key)
    if checksum_of(envelope.content) != envelope.checksum:
        raise ConfigError(f"store: {key}", "the document is torn: it is not what its checksum says", REWRITE)
    return envelope


def content_of(packed: bytes, key: Key) -> Content:
    """Return what somebody wrote. Raises ConfigError."""
    try:
        content = _read_content(packed)
    except msgspec.DecodeError:
        raise ConfigError(f"store: {key}", "the document cannot be read", REWRITE) from None
    if content.key != key:
        raise ConfigError(f"store: {key}", f"the document is another one's: {content.key}", REWRITE)
    if key.kind not in KINDS:
        raise ConfigError(f"store: {key}", "documents of this kind are not known to this version", "update this node")
    return content


REWRITE = "write it once more, or roll back"


def missing(key: Key) -> ConfigError:
    """Return what is wrong with a document that the index has and nothing else."""
    return ConfigError(f"store: {key}", "the document is missing", REWRITE)


def _unreadable(data: bytes, key: Key) -> ConfigError:
    """Say of bytes that are no envelope of ours whether they are a later one's."""
    try:
        found = msgspec.msgpack.decode(data)
    except (msgspec.DecodeError, RecursionError):
        found = None
    if isinstance(found, list) and found and isinstance(found[0], int) and found[0] > FORMAT:
        return _newer(found[0], key)
    return ConfigError(f"store: {key}", "the document cannot be read", REWRITE)


def _newer(found: int, key: Key) -> ConfigError:
    what = f"the document was written by a newer version (format {found}, known {FORMAT})"
    return ConfigError(f"store: {key}", what, "update this node")
