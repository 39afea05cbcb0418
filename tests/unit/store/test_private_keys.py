"""Private keys as they lie in the store."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sluicegate.store.private_keys import encrypted, in_clear
from sluicegate.wire.pem import text_of

SECRET = "a-secret"
NUMBER = 0x74C95F8AC9C49E6C04ED65D0FEB43E210B08C54002208FB501CD9C6D5F17C5A8
STORED = b"""-----BEGIN CERTIFICATE-----
the chain
-----END CERTIFICATE-----

-----BEGIN ENCRYPTED PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-256-CBC,9D05C865A8509B8124658943EB511011

DfAJmPjDPniftGdy4RmR6sAZeBzRm9KR9qLD3q6k2dbfxVgY9+ymYksOXY73lxnw
d3IY3UtoqdjKyKw705s4zudPbpvPLcYSgIGZiP9kkI0r0EUxuuAUiAuiYiNubNIK
RgkeEDrSDWaAIw339CjXnI4Ngo6HIXtqW6pG7F8QXIE=
-----END ENCRYPTED PRIVATE KEY-----
"""
"""The key was encrypted by OpenSSL."""

KEY = generate_private_key(SECP256R1())
FORMS = [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL]


def number_of(pem: bytes, password: bytes | None = None) -> int:
    key = load_pem_private_key(pem, password)
    assert isinstance(key, EllipticCurvePrivateKey)
    return key.private_numbers().private_value


def test_the_key_is_decrypted_and_the_chain_stays() -> None:
    clear = in_clear(STORED, SECRET)
    assert clear.startswith(b"-----BEGIN CERTIFICATE-----\nthe chain\n")
    assert number_of(clear[clear.index(b"-----BEGIN PRIVATE KEY") :]) == NUMBER


def test_without_a_key_nothing_is_done() -> None:
    chain = STORED.partition(b"\n\n")[0]
    assert in_clear(chain, SECRET) == chain


def test_with_another_secret_it_cannot_be_read() -> None:
    with pytest.raises((ValueError, TypeError)):
        in_clear(STORED, "another")


@pytest.mark.parametrize("form", FORMS)
def test_what_is_encrypted_can_be_read_again(form: PrivateFormat) -> None:
    block = encrypted(KEY.private_bytes(Encoding.DER, form, NoEncryption()), SECRET)
    assert number_of(in_clear(text_of(block), SECRET)) == KEY.private_numbers().private_value


def test_openssl_reads_what_is_encrypted() -> None:
    der = KEY.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    text = text_of(encrypted(der, SECRET))
    assert text.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,")
    as_openssl_names_it = text.replace(b"ENCRYPTED PRIVATE KEY", b"EC PRIVATE KEY")
    assert number_of(as_openssl_names_it, SECRET.encode()) == KEY.private_numbers().private_value


def test_no_two_are_encrypted_alike() -> None:
    assert encrypted(b"key", SECRET) != encrypted(b"key", SECRET)
