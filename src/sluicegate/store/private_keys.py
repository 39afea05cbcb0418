"""Private keys as they lie in the store: encrypted in the form of PEM that OpenSSL had before PKCS #8 (contract 05.3).

No library reads or writes that form any more. The key is made of the secret by one round of MD5, so the secret has to
be a long one; it is done so because nodes of Tyk read the same records.
"""

from __future__ import annotations

import hashlib
import os
import re
from base64 import b64decode
from functools import lru_cache

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from sluicegate.wire.pem import Block

ENCRYPTED_KEY = "ENCRYPTED PRIVATE KEY"
RECORD = re.compile(
    rb"-----BEGIN ENCRYPTED PRIVATE KEY-----\s+Proc-Type: 4,ENCRYPTED\s+DEK-Info: AES-256-CBC,([0-9A-Fa-f]{32})\s+"
    rb"([A-Za-z0-9+/=\s]+)-----END ENCRYPTED PRIVATE KEY-----"
)
KEY_BYTES, SALT_BYTES, VECTOR_BYTES = 32, 8, 16
KEPT_IN_CLEAR = 256


def encrypted(key: bytes, secret: str) -> Block:
    """Return the block that hides a key, given in DER of any form, behind a secret."""
    vector = os.urandom(VECTOR_BYTES)
    padder = padding.PKCS7(AES256.block_size).padder()
    encryptor = _cipher(secret, vector).encryptor()
    data = encryptor.update(padder.update(key) + padder.finalize()) + encryptor.finalize()
    return Block(ENCRYPTED_KEY, data, {"Proc-Type": "4,ENCRYPTED", "DEK-Info": f"AES-256-CBC,{vector.hex()}"})


@lru_cache(KEPT_IN_CLEAR)
def in_clear(text: bytes, secret: str) -> bytes:
    """Return a PEM text with its private key, if it has one, decrypted.

    The last ones are remembered, since nodes look again and again whether they have changed.
    Raises ValueError, TypeError or UnsupportedAlgorithm when the secret is another.
    """
    found = RECORD.search(text)
    if found is None:
        return text
    decryptor = _cipher(secret, bytes.fromhex(found[1].decode())).decryptor()
    padded = decryptor.update(b64decode(found[2])) + decryptor.finalize()
    unpadder = padding.PKCS7(AES256.block_size).unpadder()
    private_key = load_der_private_key(unpadder.update(padded) + unpadder.finalize(), None)
    shown = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text[: found.start()] + shown + text[found.end() :]


def _cipher(secret: str, vector: bytes) -> Cipher[CBC]:
    return Cipher(AES256(_key_of(secret.encode(), vector[:SALT_BYTES])), CBC(vector))


def _key_of(secret: bytes, salt: bytes) -> bytes:
    """Return the key that OpenSSL makes of a password (EVP_BytesToKey with MD5, once)."""
    key = block = b""
    while len(key) < KEY_BYTES:
        block = hashlib.md5(block + secret + salt, usedforsecurity=False).digest()
        key += block
    return key[:KEY_BYTES]
