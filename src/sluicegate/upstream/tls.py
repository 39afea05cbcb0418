"""TLS towards upstreams: what is verified, what is presented, and what a failed handshake means.

A context is made at load time for each combination of options that definitions ask for, and shared by all targets that
ask for the same; it goes when the last of them goes. Verification is on unless it is switched off (contract 02.3):
the chain against the system's authorities or those of `ssl_ca_file`, the name against the certificate, then, where they
are asked for, the common name and the pinned keys.
"""

from __future__ import annotations

import errno
import hashlib
import socket
import ssl
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sluicegate.errors import ConfigError, UpstreamFault
from sluicegate.store.certificates import Certificates, by_name, common_names_of, show_identity, trust
from sluicegate.wire.tls_names import limit_ciphers, limit_versions

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.settings.model import Settings
    from sluicegate.upstream.target import Target

NOT_YET_VALID, EXPIRED, APPLICATION_REFUSED, NAME_MISMATCH, ADDRESS_MISMATCH = 9, 10, 50, 62, 64
"""OpenSSL's X509_V_ERR_* of these verdicts."""

VERDICTS = {
    NOT_YET_VALID: UpstreamFault.TLS_EXPIRED,
    EXPIRED: UpstreamFault.TLS_EXPIRED,
    NAME_MISMATCH: UpstreamFault.TLS_MISMATCH,
    ADDRESS_MISMATCH: UpstreamFault.TLS_MISMATCH,
}
"""How an upstream failed whose certificate is refused; what does not stand here is no trust."""

OTHER_PROTOCOL = ("WRONG_VERSION_NUMBER", "PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "PACKET_LENGTH")
NO_AGREEMENT = ("HANDSHAKE_FAILURE", "BAD_CERTIFICATE", "CERTIFICATE_REQUIRED", "INTERNAL_ERROR")
"""What stands in OpenSSL's reasons when the other side speaks no such TLS, and when no handshake came about."""


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """All that may differ between two upstream contexts.

    verified:      the chain and the name are verified.
    common_name:   the common name must be the host's, also where nothing else is verified.
    lowest, highest: TLS versions in Go's numbers, 0 for the default.
    ciphers:       IANA names.
    authorities:   PEM text of what is trusted instead of the system's authorities, or empty.
    identity:      PEM text of the certificate and key to present, or empty.
    pins:          SHA-256 of the public keys that are accepted, in hex; empty: any.
    """

    verified: bool = True
    common_name: bool = False
    lowest: int = 0
    highest: int = 0
    ciphers: tuple[str, ...] = ()
    authorities: bytes = b""
    identity: bytes = b""
    pins: frozenset[str] = frozenset()


class CheckedConnection(ssl.SSLObject):
    """A connection whose certificate is looked at more closely once OpenSSL is content with it."""

    def do_handshake(self) -> None:
        """Go on with the handshake. Raises SSLCertVerificationError when the certificate is not what is asked for."""
        super().do_handshake()
        context = self.context
        if isinstance(context, UpstreamContext):
            _check(context.wanted, self.getpeercert(binary_form=True), self.server_hostname or "")


class UpstreamContext(ssl.SSLContext):
    """A context that knows what it was made for."""

    wanted: TlsOptions
    sslobject_class = CheckedConnection


class UpstreamTls:
    """The contexts in use, by what they do. One for the process, so that they outlive a reload."""

    def __init__(self) -> None:
        self._contexts: weakref.WeakValueDictionary[TlsOptions, UpstreamContext] = weakref.WeakValueDictionary()

    def equip(self, target: Target, api: Api, settings: Settings, certificates: Certificates) -> None:
        """Give a target its context if it speaks TLS. Raises ConfigError."""
        if target.scheme != "https":
            return
        where = f"{api.source}: proxy.transport"
        target.tls = self.context(options_of(target, api, settings, certificates), where)

    def context(self, options: TlsOptions, where: str) -> UpstreamContext:
        """Return the context that does what the options say. Raises ConfigError."""
        context = self._contexts.get(options)
        if context is None:
            context = self._contexts[options] = _make(options, where)
        return context


def options_of(target: Target, api: Api, settings: Settings, certificates: Certificates) -> TlsOptions:
    """Return what definition and settings ask for towards a target; the definition's word counts more.

    Certificates and pins are found by `host:port`, then the host, then `*.rest`, then `*` (contract 02.1).
    Raises ConfigError.
    """
    transport = api.classic.proxy.transport
    identity = "" if api.classic.upstream_certificates_disabled else _named(api.classic.upstream_certificates, target)
    identity = identity or _named(settings.security.certificates.upstream, target)
    pins = "" if api.classic.certificate_pinning_disabled else _named(api.classic.pinned_public_keys, target)
    pins = pins or _named(settings.security.pinned_public_keys, target)
    return TlsOptions(
        verified=not (settings.proxy_ssl_insecure_skip_verify or transport.ssl_insecure_skip_verify),
        common_name=settings.ssl_force_common_name_check or transport.ssl_force_common_name_check,
        lowest=transport.ssl_min_version or settings.proxy_ssl_min_version,
        highest=transport.ssl_max_version or settings.proxy_ssl_max_version,
        ciphers=tuple(transport.ssl_ciphers or settings.proxy_ssl_ciphers),
        authorities=_pem(certificates, transport.ssl_ca_file, api, "proxy.transport.ssl_ca_file"),
        identity=_pem(certificates, identity, api, "upstream_certificates"),
        pins=frozenset(pin.strip().lower() for pin in pins.split(",") if pin.strip()),
    )


def _named(names: Mapping[str, str], target: Target) -> str:
    return (names.get(target.key) or by_name(names, target.host) or "") if names else ""


def _pem(certificates: Certificates, reference: str, api: Api, field: str) -> bytes:
    return certificates.pem(reference, f"{api.source}: {field}") if reference else b""


def _make(options: TlsOptions, where: str) -> UpstreamContext:
    context = UpstreamContext(ssl.PROTOCOL_TLS_CLIENT)
    context.wanted = options
    limit_versions(context, options.lowest, options.highest, where)
    limit_ciphers(context, options.ciphers, where)
    if not options.verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif options.authorities:
        trust(context, options.authorities, where)
    else:
        context.load_default_certs()
    if options.identity:
        show_identity(context, options.identity, where)
    if any(len(pin) != 64 or not pin.isalnum() for pin in options.pins):
        raise ConfigError(where, "a pinned public key is not a SHA-256 in hex", "64 hex digits of the key's DER form")
    context.set_alpn_protocols(["http/1.1"])
    return context


def _check(options: TlsOptions, certificate_der: bytes | None, host: str) -> None:
    if not options.common_name and not options.pins:
        return
    certificate = x509.load_der_x509_certificate(certificate_der or b"")
    if options.common_name and host not in common_names_of(certificate):
        raise _refusal(NAME_MISMATCH, f"certificate's common name is not {host}")
    if options.pins:
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if hashlib.sha256(key).hexdigest() not in options.pins:
            raise _refusal(APPLICATION_REFUSED, "certificate's public key is not pinned")


def _refusal(code: int, message: str) -> ssl.SSLCertVerificationError:
    refusal = ssl.SSLCertVerificationError(1, message)
    refusal.verify_code, refusal.verify_message = code, message
    return refusal


def fault_of(error: Exception) -> UpstreamFault:
    """Return how an upstream failed, from the error of a connection attempt with its handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return VERDICTS.get(error.verify_code, UpstreamFault.TLS_UNTRUSTED)
    if isinstance(error, ssl.SSLError):
        return _handshake_fault(error.reason or "")
    if isinstance(error, socket.gaierror):
        return UpstreamFault.DNS
    if isinstance(error, TimeoutError):
        return UpstreamFault.CONNECT_TIMEOUT
    if isinstance(error, ConnectionResetError | BrokenPipeError | ConnectionAbortedError):
        return UpstreamFault.RESET
    if isinstance(error, OSError) and error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return UpstreamFault.NO_ROUTE
    return UpstreamFault.REFUSED


def _handshake_fault(reason: str) -> UpstreamFault:
    if any(part in reason for part in OTHER_PROTOCOL):
        return UpstreamFault.TLS_PROTOCOL
    if "ALERT" in reason and not any(part in reason for part in NO_AGREEMENT):
        return UpstreamFault.TLS_ALERT
    return UpstreamFault.TLS_HANDSHAKE
