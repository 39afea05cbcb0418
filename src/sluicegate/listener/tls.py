"""TLS towards clients: which certificate a client sees, and how certificates are renewed (contract 10.1).

The listener keeps one context for its life. In each handshake it is exchanged for the one of the name that the client
asks for: the exact name, then `*.rest`, then the first certificate there is. A reload reads all files again, builds the
contexts aside and swaps the map; handshakes under way and open connections notice nothing.

    settings `http_server_options.certificates`   names: `domain_name`, and those in the certificate
    settings `http_server_options.ssl_certificates`     those in the certificate
    definitions `certificates`                          `domain`, and those in the certificate; not if `domain_disabled`

Client certificates are asked for as soon as one API wants them (`use_mutual_tls_auth`), and never demanded here, since
other APIs on the port may not. One that is shown must be listed, or be signed by one that is, by some API or in
`security.certificates.apis`; whether it is good for the API at hand is for the chain to say.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from sluicegate.errors import ConfigError
from sluicegate.store.certificates import Certificates, names_of, show_identity, trust
from sluicegate.wire.tls_names import limit_ciphers, limit_versions

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.settings.model import Settings
    from sluicegate.settings.server import CertData

HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_.-]+|\*")
"""A domain of a definition may also be a pattern; that is no name a client can ask for."""


class Shown(NamedTuple):
    """A certificate to show: its PEM text with the key, and the names it is for."""

    where: str
    pem: bytes
    names: list[str]


class ServerTls:
    """What the listeners of a worker show to clients."""

    def __init__(self, settings: Settings) -> None:
        """Make a context that shows nothing until the first `reload`. Raises ConfigError for versions and ciphers."""
        self.context = _plain_context(settings)
        # OpenSSL takes this and `verify_mode` of the context that a handshake began with, whatever it is exchanged for.
        self.context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        self.context.sni_callback = self._choose
        self._by_name: dict[str, ssl.SSLContext] = {}
        self._first: ssl.SSLContext | None = None
        self._made: dict[tuple[bytes, bytes], ssl.SSLContext] = {}

    def reload(self, settings: Settings, apis: Iterable[Api], certificates: Certificates) -> list[ConfigError]:
        """Read all certificates again and show them from now on. Returns what is wrong with the others."""
        apis = list(apis)
        problems: list[ConfigError] = []
        anchors = _anchors(settings, apis, certificates, problems)
        by_name: dict[str, ssl.SSLContext] = {}
        made: dict[tuple[bytes, bytes], ssl.SSLContext] = {}
        for shown in _all_shown(settings, apis, certificates, problems):
            key = (shown.pem, anchors)
            try:
                context = made.get(key) or self._made.get(key) or _showing(settings, shown, anchors)
            except ConfigError as error:
                problems.append(error)
                continue
            made[key] = context
            for name in shown.names:
                by_name.setdefault(name.lower(), context)
        self._by_name, self._made = by_name, made
        self._first = next(iter(made.values()), None)
        self.context.verify_mode = ssl.CERT_OPTIONAL if anchors else ssl.CERT_NONE
        return problems

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        context = self._first
        if name is not None:
            lower = name.lower()
            context = self._by_name.get(lower) or self._by_name.get("*." + lower.partition(".")[2]) or context
        if context is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = context
        return None


def _plain_context(settings: Settings) -> ssl.SSLContext:
    options = settings.http_server_options
    where = "http_server_options"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    limit_versions(context, options.min_version, options.max_version, f"{where}.min_version")
    limit_ciphers(context, options.ssl_ciphers, f"{where}.ssl_ciphers")
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _showing(settings: Settings, shown: Shown, anchors: bytes) -> ssl.SSLContext:
    context = _plain_context(settings)
    show_identity(context, shown.pem, shown.where)
    if anchors:
        context.verify_mode = ssl.CERT_OPTIONAL
        trust(context, anchors, shown.where)
    return context


def _all_shown(
    settings: Settings, apis: list[Api], certificates: Certificates, problems: list[ConfigError]
) -> Iterable[Shown]:
    """Return every certificate that settings and definitions name, in the order in which they take precedence."""
    options = settings.http_server_options
    asked: list[tuple[str, str | CertData, str]] = []
    asked += [
        (f"http_server_options.certificates[{at}]", data, data.domain_name)
        for at, data in enumerate(options.certificates)
    ]
    asked += [
        (f"http_server_options.ssl_certificates[{at}]", one, "") for at, one in enumerate(options.ssl_certificates)
    ]
    for api in apis:
        classic = api.classic
        if not classic.domain_disabled:
            where = f"{api.source}: certificates"
            asked += [(f"{where}[{at}]", one, classic.domain) for at, one in enumerate(classic.certificates)]
    for where, reference, domain in asked:
        try:
            pem = _pem(reference, certificates, where)
            names = [domain] if HOST_NAME.fullmatch(domain) else []
            yield Shown(where, pem, names + names_of(pem, where))
        except ConfigError as error:
            problems.append(error)


def _pem(reference: str | CertData, certificates: Certificates, where: str) -> bytes:
    if isinstance(reference, str):
        return certificates.pem(reference, where)
    chain = certificates.pem(reference.cert_file, f"{where}.cert_file")
    return chain + b"\n" + certificates.pem(reference.key_file, f"{where}.key_file")


def _anchors(settings: Settings, apis: list[Api], certificates: Certificates, problems: list[ConfigError]) -> bytes:
    """Return the certificates that clients may show, as one PEM text; empty: clients are not asked."""
    asking = [api for api in apis if api.classic.use_mutual_tls_auth]
    if not asking:
        return b""
    listed = [("security.certificates.apis", one) for one in settings.security.certificates.apis]
    listed += [(f"{api.source}: client_certificates", one) for api in asking for one in api.classic.client_certificates]
    anchors: dict[bytes, None] = {}
    for where, reference in listed:
        try:
            pem = certificates.pem(reference, where)
            trust(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), pem, where)
            anchors[pem] = None
        except ConfigError as error:
            problems.append(error)
    return b"\n".join(anchors)
