"""Certificates and keys, however a definition or a setting refers to them (contract 02.1, 01.6).

A reference is a PEM text itself, the path of a PEM file, or the id of a certificate in the store. What the store holds
is read before a table is built, and handed in here; so whoever needs a certificate gets it at once, at load time.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from sluicegate.errors import ConfigError
from sluicegate.wire.pem import CERTIFICATE, blocks_of

PEM_MARK = "-----BEGIN "
STORED_ID = re.compile(r"[0-9A-Za-z_-]*[0-9a-f]{64}")
"""Organisation and SHA-256 of the certificate, in hex (contract 05)."""

PEM_LIMIT_BYTES = 1 << 20


class Certificates:
    """What references lead to.

    stored: PEM texts of the store by id, keys in clear.
    """

    def __init__(self, stored: Mapping[str, bytes] | None = None) -> None:
        self._stored = stored or {}

    def replace(self, stored: Mapping[str, bytes]) -> set[str]:
        """The store holds these now. Returns the ids of those that are new, others than before, or gone."""
        old, self._stored = self._stored, stored
        return {one for one in old.keys() | stored.keys() if old.get(one) != stored.get(one)}

    def add(self, stored: Mapping[str, bytes]) -> set[str]:
        """The store holds these, too. Returns the ids of those that are new, or others than before."""
        return self.replace({**self._stored, **stored})

    def missing(self, ids: Iterable[str]) -> set[str]:
        """Return those of some ids that lead nowhere."""
        return {one for one in ids if one not in self._stored}

    def pem(self, reference: str, where: str) -> bytes:
        """Return the PEM text of a reference. Raises ConfigError that does not repeat a key."""
        if PEM_MARK in reference:
            return reference.encode()
        if (stored := self._stored.get(reference)) is not None:
            return stored
        if is_stored_id(reference):
            raise ConfigError(where, f"certificate {reference} is not in the store", "add it at /tyk/certs")
        return _read(reference, where)


def is_stored_id(reference: str) -> bool:
    """Return whether a reference means the store."""
    return STORED_ID.fullmatch(reference) is not None


def _read(path: str, where: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            data = file.read(PEM_LIMIT_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(where, f"cannot read certificate {path[:200]!r}: {reason}") from None
    if len(data) > PEM_LIMIT_BYTES:
        raise ConfigError(where, f"{path!r} is too long for a certificate")
    return data


def show_identity(context: ssl.SSLContext, pem: bytes, where: str) -> None:
    """Let a context present the certificate chain and key that a PEM text holds. Raises ConfigError."""
    try:
        with _as_file(pem) as path:
            # The callback answers for a key that is encrypted: without it OpenSSL would ask at the terminal.
            context.load_cert_chain(path, password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ConfigError(where, f"not a certificate with its private key: {_reason(error)}") from None


def trust(context: ssl.SSLContext, pem: bytes, where: str) -> None:
    """Let a context trust the certificates that a PEM text holds: authorities, or single ones. Raises ConfigError."""
    try:
        context.load_verify_locations(cadata=pem.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(where, f"not a certificate: {_reason(error)}") from None
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def leaf_of(pem: bytes, where: str) -> x509.Certificate:
    """Return the first certificate of a PEM text: the one that it is about. Raises ConfigError."""
    der = next((block.data for block in blocks_of(pem) if block.kind == CERTIFICATE), None)
    if der is None:
        raise ConfigError(where, "not a certificate")
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise ConfigError(where, f"not a certificate: {error}") from None


def names_of(pem: bytes, where: str) -> list[str]:
    """Return the host names and addresses the first certificate of a PEM text is for, in lower case."""
    try:
        certificate = x509.load_pem_x509_certificates(pem)[0]
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return common_names_of(certificate)
    except ValueError as error:
        raise ConfigError(where, f"not a certificate: {error}") from None
    hosts = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
    return [host.lower() for host in hosts]


def common_names_of(certificate: x509.Certificate) -> list[str]:
    """Return the common names of a certificate's subject, in lower case."""
    return [str(name.value).lower() for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]


def by_name(names: Mapping[str, str], host: str) -> str | None:
    """Return what a map from host names to something has for a host: by its own name, as `*.rest`, or for `*`."""
    own = names.get(host)
    if own is None:
        own = names.get("*." + host.partition(".")[2])
    return own if own is not None else names.get("*")


@contextmanager
def _as_file(pem: bytes) -> Iterator[str]:
    """Python reads chains from files only; this one is memory, so that no key touches a disk."""
    descriptor = os.memfd_create("certificate")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(pem)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _no_password() -> str:
    raise ValueError("the private key is encrypted")


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or str(error) or type(error).__name__
