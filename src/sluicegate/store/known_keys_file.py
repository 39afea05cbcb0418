"""The known keys of a worker in a file, encrypted: `sluicegate.store_failure.saved_sessions`.

Each worker writes a file of its own (`<path>.0`, `<path>.1`, …) and reads those of all when it starts. A file is

    MARK | salt, 16 bytes | nonce, 12 bytes | AES-256-GCM of the keys in MessagePack

under a key that scrypt (RFC 7914) makes of the secret. Clients' tokens are not in it, only hashes of them, unless keys
are not hashed in the store either. A file that cannot be read, or was written under another secret, counts as none.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from sluicegate.store.known_keys import KnownKey, KnownKeys

MARK = b"sluicegate-keys1"
SALT_BYTES, NONCE_BYTES = 16, 12
LARGEST_BYTES = 256 << 20
SAVE_S = 5.0

_decode = msgspec.msgpack.Decoder(list[KnownKey]).decode


class KnownKeysFile:
    """Saves the known keys of one worker every few seconds, when there is something new."""

    def __init__(self, path: Path, index: int, secret: str, known: KnownKeys, log: Callable[..., None]) -> None:
        self._path, self._index, self._secret = path, index, secret.encode()
        self._known, self._log = known, log
        self._salt = secrets.token_bytes(SALT_BYTES)
        self._cipher: AESGCM | None = None
        self._saved = 0

    def load(self) -> None:
        """Learn what was saved by any worker."""
        for path in sorted(self._path.parent.glob(f"{self._path.name}.[0-9]*")):
            try:
                self._known.learn(self._read(path))
            except (OSError, ValueError, InvalidTag, msgspec.MsgspecError) as error:
                self._log("warning", "Saved keys cannot be used", path=str(path), error=repr(error))

    async def run(self) -> None:
        """Save from time to time, until cancelled."""
        while True:
            await asyncio.sleep(SAVE_S)
            await asyncio.to_thread(self.save)

    def save(self) -> None:
        """Write the file anew, as a whole, if anything has changed."""
        changes = self._known.changes
        if changes == self._saved:
            return
        nonce = secrets.token_bytes(NONCE_BYTES)
        if self._cipher is None:
            self._cipher = _cipher(self._secret, self._salt)
        data = self._cipher.encrypt(nonce, msgspec.msgpack.encode(self._known.all()), MARK)
        path = self._path.with_name(f"{self._path.name}.{self._index}")
        new = path.with_name(f"{path.name}.new")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(MARK + self._salt + nonce + data)
            new.replace(path)
        except OSError as error:
            self._log("error", "Keys cannot be saved", path=str(path), error=str(error))
        else:
            self._saved = changes

    def _read(self, path: Path) -> list[KnownKey]:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES)
        if not data.startswith(MARK):
            raise ValueError("not a file of keys")
        salt, nonce = data[len(MARK) :][:SALT_BYTES], data[len(MARK) + SALT_BYTES :][:NONCE_BYTES]
        return _decode(_cipher(self._secret, salt).decrypt(nonce, data[len(MARK) + SALT_BYTES + NONCE_BYTES :], MARK))


def _cipher(secret: bytes, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=2**14, r=8, p=1).derive(secret))
