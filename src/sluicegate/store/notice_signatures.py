"""Who a notice is from: the two ways in which nodes and Dashboards of Tyk sign (contract 05.5).

algorithm 5    SHA-256 over command, payload and the `node_secret` that all nodes share, in hex
another        RSA (PKCS #1 v1.5, SHA-256) over the payload, in base64: an older Dashboard signs so with its key,
               whose public half is the setting `public_key_path`
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sluicegate.errors import ConfigError

SHA256_ALGORITHM = 5  # crypto.SHA256 of Go
LONGEST_KEY_FILE_BYTES = 64 * 1024


def signature_of(command: str, payload: str, node_secret: str) -> str:
    """Return the signature of a node."""
    return hashlib.sha256((command + payload + node_secret).encode()).hexdigest()


class Signatures:
    """Checks signatures.

    trusting:   `allow_insecure_configs`: they are not looked at.
    public_key: of a Dashboard that signs with a key; None: there is no such.
    """

    def __init__(self, node_secret: str, *, trusting: bool = False, public_key: RSAPublicKey | None = None) -> None:
        self._node_secret, self._trusting, self._public_key = node_secret, trusting, public_key

    def fault(self, command: str, payload: str, signature: str, algorithm: int) -> str:
        """Return what is wrong with a signature and what can be done about it; "" when it is good."""
        if self._trusting:
            return ""
        if algorithm == SHA256_ALGORITHM:
            expected = signature_of(command, payload, self._node_secret)
            is_good = hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode())
            return "" if is_good else "signed with another node_secret: all nodes need the same"
        if self._public_key is None:
            return "signed with a key, as an older Dashboard does: set public_key_path to its public half"
        try:
            text = payload.encode("utf-8", "replace")
            self._public_key.verify(b64decode(signature, validate=True), text, PKCS1v15(), SHA256())
        except (InvalidSignature, binascii.Error, ValueError):
            return "signed with another key than that of public_key_path"
        return ""


def read_public_key(path: str) -> RSAPublicKey | None:
    """Return the key in a PEM file, None where no file is named. Raises ConfigError."""
    if not path:
        return None
    where = "public_key_path"
    try:
        with Path(path).open("rb") as file:
            key = load_pem_public_key(file.read(LONGEST_KEY_FILE_BYTES))
    except OSError as error:
        raise ConfigError(where, f"cannot read {path[:200]!r}: {error.strerror}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(where, f"no public key in PEM in {path[:200]!r}") from None
    if not isinstance(key, RSAPublicKey):
        raise ConfigError(where, f"the key in {path[:200]!r} is not of RSA")
    return key
