"""What is stored of a PEM text, and what is refused."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import load_pem_x509_certificates

from sluicegate.store import certificate_records
from sluicegate.store.certificate_records import CertificateRefused, record_of
from sluicegate.store.private_keys import in_clear

SECRET = "a-secret"
AUTHORITY = trustme.CA()
CERT = AUTHORITY.issue_cert("one.test")
LEAF = CERT.cert_chain_pems[0].bytes()
KEY = CERT.private_key_pem.bytes()
OTHER_KEY = AUTHORITY.issue_cert("two.test").private_key_pem.bytes()
CHAIN = LEAF + AUTHORITY.cert_pem.bytes()
PUBLIC = generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
EXPIRED = AUTHORITY.issue_cert(
    "old.test", not_before=datetime.now(UTC) - timedelta(9), not_after=datetime.now(UTC) - timedelta(1)
)


def der_of(pem: bytes) -> bytes:
    return load_pem_x509_certificates(pem)[0].public_bytes(Encoding.DER)


def test_a_chain_is_kept_as_it_is() -> None:
    record = record_of(b"whatever\n" + CHAIN, SECRET)
    assert record.text == LEAF + b"\n" + AUTHORITY.cert_pem.bytes()
    assert record.fingerprint == hashlib.sha256(der_of(LEAF)).hexdigest()


@pytest.mark.parametrize("pem", [KEY + CHAIN, CHAIN + KEY], ids=["key-first", "key-last"])
def test_the_key_is_hidden_behind_the_chain(pem: bytes) -> None:
    record = record_of(pem, SECRET)
    assert KEY.splitlines()[1] not in record.text
    assert record.text.startswith(LEAF)
    clear = in_clear(record.text, SECRET)
    der = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    found = load_pem_private_key(clear[clear.index(b"-----BEGIN PRIVATE KEY") :], None)
    assert found.private_bytes(*der) == load_pem_private_key(KEY, None).private_bytes(*der)


def test_a_public_key() -> None:
    record = record_of(PUBLIC, SECRET)
    assert record.text == PUBLIC
    assert len(record.fingerprint) == 64


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        (b"", "Failed to decode certificate. It should be PEM encoded."),
        (b"no certificate", "Failed to decode certificate. It should be PEM encoded."),
        (KEY, "Failed to decode certificate. It should be PEM encoded."),
        (LEAF + KEY + OTHER_KEY, "Found multiple private keys"),
        (LEAF + PUBLIC, "Public keys can't be combined with certificates"),
        (PUBLIC + KEY, "A private key can't be stored with a public key"),
        (LEAF + OTHER_KEY, "tls: private key does not match public key"),
        (EXPIRED.cert_chain_pems[0].bytes(), "certificate is expired"),
        (LEAF + EXPIRED.cert_chain_pems[0].bytes(), "certificate is expired"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "x509: malformed certificate"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "x509: malformed public key"),
        (LEAF + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "tls: failed to parse private key"),
    ],
)
def test_what_is_refused(pem: bytes, reason: str) -> None:
    with pytest.raises(CertificateRefused) as refused:
        record_of(pem, SECRET)
    assert refused.value.what == reason


def test_the_number_of_certificates_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_records, "MOST_CERTIFICATES", 2)
    record_of(LEAF * 2, SECRET)
    with pytest.raises(CertificateRefused, match="Found more than"):
        record_of(LEAF * 3, SECRET)
