"""Certificates and public keys of the store: writing, listing and removing them (contract 04.10, 05.3).

A record is the chain in PEM, and behind it the private key, encrypted; beside it each organisation has a list of its
records. `stored_certificates` reads those that somebody wants to use.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)

from sluicegate.clock import now
from sluicegate.errors import SluicegateError
from sluicegate.store import names
from sluicegate.store.backend import Backend
from sluicegate.store.private_keys import encrypted
from sluicegate.wire.pem import CERTIFICATE, PUBLIC_KEY, Block, blocks_of, text_of

FINGERPRINT_LENGTH = 64
MOST_CERTIFICATES = 200
"""In one record: more than any chain, and than a list of authorities that clients are asked for."""

NO_PEM = "Failed to decode certificate. It should be PEM encoded."
MALFORMED = "x509: malformed certificate"
EXPIRED = "certificate is expired"
TOO_MANY = f"Found more than {MOST_CERTIFICATES} certificates"
TWO_KEYS = "Found multiple private keys"
MIXED = "Public keys can't be combined with certificates"
MALFORMED_KEY = "x509: malformed public key"
UNREADABLE_KEY = "tls: failed to parse private key"
OTHER_KEY = "tls: private key does not match public key"
KEYS_ALONE = "A private key can't be stored with a public key"


class CertificateRefused(SluicegateError):
    """A text that cannot be stored; `what` says why, and repeats nothing of it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True)
class Record:
    """What is stored: its SHA-256 in hex, and the text."""

    fingerprint: str
    text: bytes


def record_of(pem: bytes, secret: str) -> Record:
    """Return what to store of a PEM text: a chain, its private key too, or a public key. Raises CertificateRefused.

    secret: hides the private key. Takes some milliseconds where there is one.
    """
    chain, keys, public = _sorted(pem)
    if not chain:
        return _public_record(public, keys)
    if public is not None:
        raise CertificateRefused(MIXED)
    text = b"\n".join(text_of(Block(CERTIFICATE, one)) for one in chain)
    for key in keys:
        _check_pair(chain[0], key)
        text += b"\n" + text_of(encrypted(key, secret))
    return Record(fingerprint_of(chain[0]), text)


def fingerprint_of(der: bytes) -> str:
    """Return the SHA-256 of a certificate or public key, in hex."""
    return hashlib.sha256(der).hexdigest()


def _sorted(pem: bytes) -> tuple[list[bytes], list[bytes], bytes | None]:
    """Return certificates, at most one private key, and the last public key of a text, in DER."""
    chain: list[bytes] = []
    keys: list[bytes] = []
    public = None
    for block in blocks_of(pem):
        if block.is_private_key:
            keys.append(block.data)
            if len(keys) > 1:
                raise CertificateRefused(TWO_KEYS)
        elif block.kind == CERTIFICATE:
            chain.append(block.data)
            if len(chain) > MOST_CERTIFICATES:
                raise CertificateRefused(TOO_MANY)
            _check_certificate(block.data)
        elif block.kind == PUBLIC_KEY:
            public = block.data
    return chain, keys, public


def _check_certificate(der: bytes) -> None:
    try:
        expires = x509.load_der_x509_certificate(der).not_valid_after_utc.timestamp()
    except ValueError:
        raise CertificateRefused(MALFORMED) from None
    if expires < now():
        raise CertificateRefused(EXPIRED)


def _public_record(public: bytes | None, keys: Iterable[bytes]) -> Record:
    if public is None:
        raise CertificateRefused(NO_PEM)
    if keys:
        raise CertificateRefused(KEYS_ALONE)
    try:
        load_der_public_key(public)
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateRefused(MALFORMED_KEY) from None
    return Record(fingerprint_of(public), text_of(Block(PUBLIC_KEY, public)))


def _check_pair(certificate: bytes, key: bytes) -> None:
    try:
        private = load_der_private_key(key, None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CertificateRefused(UNREADABLE_KEY) from None
    try:
        public = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateRefused(MALFORMED) from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_bytes(*form) != public.public_bytes(*form):
        raise CertificateRefused(OTHER_KEY)


class CertificateRecords:
    """The certificates of a store. Every call may raise StoreError."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def add(self, certificate_id: str, org_id: str, text: bytes) -> bool:
        """Store a record and list it; return False where there is one already.

        The list is looked at even then: whoever stored it may have ended before it was listed.
        """
        was_added = await self._backend.add(names.certificate(certificate_id), text)
        if org_id:
            index, entry = names.certificate_index(org_id), names.certificate_entry(certificate_id).encode()
            if was_added or entry not in await self._backend.list_items(index):
                await self._backend.list_append(index, entry)
        return was_added

    async def remove(self, certificate_id: str, org_id: str) -> None:
        """Remove a record, and its entry in the list."""
        if org_id:
            entry = names.certificate_entry(certificate_id).encode()
            await self._backend.list_remove(names.certificate_index(org_id), entry)
        await self._backend.delete(names.certificate(certificate_id))

    async def ids(self, org_id: str) -> list[str]:
        """Return the ids of an organisation's certificates, those of all where it is empty."""
        if not org_id:
            return sorted(await self._scan(""))
        index, mark = names.certificate_index(org_id), names.certificates_listed(org_id)
        entries = await self._backend.list_items(index)
        found = [names.certificate_of_entry(entry.decode("utf-8", "replace")) for entry in entries]
        if not found and not await self._backend.exists(mark):
            found = sorted(one for one in await self._scan(org_id) if len(one) == len(org_id) + FINGERPRINT_LENGTH)
            if found:
                await self._backend.list_append(index, *(names.certificate_entry(one).encode() for one in found))
        await self._backend.add(mark, b"1")
        return list(dict.fromkeys(found))

    async def texts(self, ids: list[str]) -> list[bytes | None]:
        """Return the records with these ids, in their order; None: there is none."""
        return await self._backend.mget([names.certificate(one) for one in ids]) if ids else []

    async def _scan(self, prefix: str) -> list[str]:
        found = await self._backend.scan(names.certificate(prefix))
        return [name.removeprefix(names.CERTIFICATE) for name in found]
