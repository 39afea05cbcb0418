"""Certificates that lie in the store, their keys in clear: read before a table is built, and only those asked for.

What Tyk writes there is a chain in PEM and, last, the private key, encrypted with a secret of the settings in a form
that no library reads any more (contract 05.3). A node that shares a Redis with Tyk shows the same certificates.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from sluicegate.errors import ConfigError
from sluicegate.store import names
from sluicegate.store.certificates import is_stored_id

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.settings.model import Settings
    from sluicegate.store.backend import Backend

ENCRYPTED_KEY = re.compile(
    rb"-----BEGIN ENCRYPTED PRIVATE KEY-----\s+Proc-Type: 4,ENCRYPTED\s+DEK-Info: AES-256-CBC,([0-9A-Fa-f]{32})\s+"
    rb"([A-Za-z0-9+/=\s]+)-----END ENCRYPTED PRIVATE KEY-----"
)
KEY_BYTES, SALT_BYTES = 32, 8


def asked_for(settings: Settings, apis: Iterable[Api]) -> set[str]:
    """Return the ids of all certificates that settings and definitions want from the store."""
    return {one for one in _references(settings, apis) if is_stored_id(one)}


def _references(settings: Settings, apis: Iterable[Api]) -> Iterator[str]:
    listed = settings.security.certificates
    yield from settings.http_server_options.ssl_certificates
    yield from listed.apis
    yield from listed.upstream.values()
    for api in apis:
        classic = api.classic
        yield from classic.certificates
        yield from classic.client_certificates
        yield from classic.upstream_certificates.values()


async def read_stored(
    backend: Backend, ids: Iterable[str], settings: Settings
) -> tuple[dict[str, bytes], list[ConfigError]]:
    """Return the PEM texts by id, without those that are not there, and what is wrong with others.

    Raises StoreError.
    """
    wanted = sorted(ids)
    texts = await backend.mget([names.certificate(one) for one in wanted]) if wanted else []
    secret = settings.security.private_certificate_encoding_secret or settings.secret
    found: dict[str, bytes] = {}
    problems = []
    for certificate_id, text in zip(wanted, texts, strict=True):
        if text is None:
            continue
        try:
            found[certificate_id] = in_clear(text, secret)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            what = f"the private key of certificate {certificate_id} cannot be decrypted"
            hint = "it was stored under another security.private_certificate_encoding_secret, or another secret"
            problems.append(ConfigError("security.private_certificate_encoding_secret", what, hint))
    return found, problems


def in_clear(text: bytes, secret: str) -> bytes:
    """Return a PEM text with its private key, if it has one, decrypted.

    Raises ValueError, TypeError or UnsupportedAlgorithm when the secret is another.
    """
    found = ENCRYPTED_KEY.search(text)
    if found is None:
        return text
    vector = bytes.fromhex(found[1].decode())
    decryptor = Cipher(AES256(_key_of(secret.encode(), vector[:SALT_BYTES])), CBC(vector)).decryptor()
    padded = decryptor.update(b64decode(found[2])) + decryptor.finalize()
    unpadder = padding.PKCS7(AES256.block_size).unpadder()
    private_key = load_der_private_key(unpadder.update(padded) + unpadder.finalize(), None)
    shown = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text[: found.start()] + shown + text[found.end() :]


def _key_of(secret: bytes, salt: bytes) -> bytes:
    """Return the key that OpenSSL makes of a password (EVP_BytesToKey with MD5, once)."""
    key = block = b""
    while len(key) < KEY_BYTES:
        block = hashlib.md5(block + secret + salt, usedforsecurity=False).digest()
        key += block
    return key[:KEY_BYTES]
