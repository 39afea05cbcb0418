"""Lets only clients in that show a listed certificate, or one that a listed authority has signed.

Asked for by `use_mutual_tls_auth`; the list is `client_certificates` and the setting `security.certificates.apis`
(contract 06.4 #8, 08.8), also for open APIs and for paths on the ignore list. The handshake has seen already that the
client has the key and that somebody trusts the certificate; that may have been for another API of the same domain.

A reference that leads nowhere lets nobody in; the log says so when the definition is loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Outcome, Rejection
from sluicegate.errors import ConfigError
from sluicegate.store.certificates import leaf_of

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

NO_TLS = Rejection(403, "TLS not enabled", "client_certificate_without_tls", flag="CRQ")
MISSING = Rejection(403, "Client TLS certificate is required", "client_certificate_missing", flag="CRQ")
EXPIRED = Rejection(403, "Certificate has expired", "client_certificate_expired", flag="TKE")
NOT_ALLOWED = Rejection(403, "Certificate is not allowed", "client_certificate_not_allowed", flag="CMM")

MOST_REMEMBERED = 1024
"""Certificates whose verdicts are kept; then all are forgotten. To check a signature takes a tenth of a millisecond."""


class Verdict(NamedTuple):
    """What a certificate is worth here: until when, in seconds since 1970, or why it is not let in."""

    expires: float
    refusal: Rejection | None


class ClientCertificates(Middleware):
    """The allow list of client certificates."""

    name = "CertificateCheckMW"

    def __init__(self, listed: Iterable[x509.Certificate]) -> None:
        listed = list(listed)
        self._listed = {one.public_bytes(Encoding.DER) for one in listed}
        self._authorities = [one for one in listed if _is_authority(one)]
        self._authorities_der = {one.public_bytes(Encoding.DER) for one in self._authorities}
        self._verdicts: dict[bytes, Verdict] = {}

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step where certificates are asked for."""
        if not api.classic.use_mutual_tls_auth:
            return None
        references = (*api.classic.client_certificates, *services.settings.security.certificates.apis)
        return cls(_found(references, services))

    def on_request(self, exchange: Exchange) -> Outcome:
        """Reject whoever does not show a certificate that is good for this API."""
        client = exchange.client
        if not client.is_tls:
            return NO_TLS
        chain = client.certificates
        if not chain:
            return MISSING
        verdict = self._verdicts.get(chain[0])
        if verdict is None:
            if len(self._verdicts) >= MOST_REMEMBERED:
                self._verdicts.clear()
            verdict = self._verdicts[chain[0]] = self._judge(chain)
        return EXPIRED if verdict.expires < exchange.started_s else verdict.refusal

    def _judge(self, chain: tuple[bytes, ...]) -> Verdict:
        leaf, *signers = chain
        expires = x509.load_der_x509_certificate(leaf).not_valid_after_utc.timestamp()
        if leaf in self._listed or not self._authorities_der.isdisjoint(signers) or self._is_signed(chain):
            return Verdict(expires, None)
        fingerprint = hashlib.sha256(leaf).hexdigest()
        return Verdict(expires, NOT_ALLOWED.saying(f"Certificate with SHA256 {fingerprint} not allowed"))

    def _is_signed(self, chain: tuple[bytes, ...]) -> bool:
        """Return whether a listed authority has signed one of a chain.

        OpenSSL looks no further than to the first that somebody trusts; that may be one that another API lists.
        """
        certificates = [x509.load_der_x509_certificate(one) for one in chain]
        return any(_has_signed(authority, one) for authority in self._authorities for one in certificates)


def _found(references: Iterable[str], services: Services) -> Iterator[x509.Certificate]:
    for reference in references:
        try:
            yield leaf_of(services.certificates.pem(reference, ""), "")
        except ConfigError:  # the listener says what is wrong with it
            continue


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _has_signed(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
