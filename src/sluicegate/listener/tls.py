"""TLS towards clients: which certificate a client sees, and how certificates are renewed (contract 10.1).

The listener keeps one context for its life. In each handshake it is exchanged for the one of the name that the client
asks for: the exact name, then `*.rest`, then the first certificate there is. A reload reads all files again, builds the
contexts aside and swaps the map; handshakes under way and open connections notice nothing.

    settings `http_server_options.certificates`   names: `domain_name`, and those in the certificate
    settings `http_server_options.ssl_certificates`     those in the certificate
    definitions `certificates`                          `domain`, and those in the certificate; not if `domain_disabled`

Where some API wants certificates of clients, the name is read before the handshake begins (`doorway`), and with it a
context is chosen that asks for them, or does not (`client_certificates`): OpenSSL takes that from the context that a
handshake began with. Whether a certificate is good for the API at hand is for the chain to say.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from sluicegate.errors import ConfigError
from sluicegate.listener.client_certificates import Asked, ClientRules
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


class Showing(NamedTuple):
    """A certificate that can be shown, and the context that does it."""

    where: str
    pem: bytes
    context: ssl.SSLContext

    @classmethod
    def of(cls, settings: Settings, shown: Shown) -> Showing:
        """Return the context that shows a certificate. Raises ConfigError."""
        context = _plain_context(settings)
        show_identity(context, shown.pem, shown.where)
        return cls(shown.where, shown.pem, context)


class ServerTls:
    """What the listeners of a worker show to clients, and ask of them."""

    def __init__(self, settings: Settings) -> None:
        """Make a context that shows nothing until the first `reload`. Raises ConfigError for versions and ciphers."""
        self.context = _plain_context(settings)
        self.context.sni_callback = self._choose
        self._settings = settings
        self._by_name: dict[str, Showing] = {}
        self._first: Showing | None = None
        self._made: dict[bytes, Showing] = {}
        self._clients = ClientRules(settings, (), Certificates(), [])
        self._asking: dict[tuple[bytes, Asked], ssl.SSLContext] = {}

    @property
    def asks(self) -> bool:
        """Whether some client is asked for a certificate, so that the name has to be known beforehand."""
        return self._clients.asks

    def context_for(self, name: str, *, is_shared: bool) -> ssl.SSLContext:
        """Return what a handshake begins with when a client asks for that name; "": for none.

        is_shared: the gateway API is on this port, too.
        """
        asked = self._clients.asked(name, is_shared=is_shared)
        shown = self._shown(name)
        if asked is None or shown is None:
            return self.context
        key = (shown.pem, asked)
        context = self._asking.get(key)
        if context is None:
            context = self._asking[key] = _asking(self._settings, shown, asked)
        return context

    def reload(self, settings: Settings, apis: Iterable[Api], certificates: Certificates) -> list[ConfigError]:
        """Read all certificates again and show them from now on. Returns what is wrong with the others."""
        apis = list(apis)
        problems: list[ConfigError] = []
        by_name: dict[str, Showing] = {}
        made: dict[bytes, Showing] = {}
        for shown in _all_shown(settings, apis, certificates, problems):
            try:
                showing = made.get(shown.pem) or self._made.get(shown.pem) or Showing.of(settings, shown)
            except ConfigError as error:
                problems.append(error)
                continue
            made[shown.pem] = showing
            for name in shown.names:
                by_name.setdefault(name.lower(), showing)
        self._by_name, self._made = by_name, made
        self._first = next(iter(made.values()), None)
        self._clients = ClientRules(settings, apis, certificates, problems)
        self._settings, self._asking = settings, {}
        return problems

    def _shown(self, name: str) -> Showing | None:
        """Return what is shown to a client that asks for a name, in lower case."""
        return self._by_name.get(name) or self._by_name.get("*." + name.partition(".")[2]) or self._first

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        showing = self._shown((name or "").lower())
        if showing is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = showing.context
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


def _asking(settings: Settings, shown: Showing, asked: Asked) -> ssl.SSLContext:
    """Return a context that asks for a certificate, too.

    There are no tickets: a session that is taken up again knows the certificate, but not who signed it.
    """
    context = _plain_context(settings)
    show_identity(context, shown.pem, shown.where)
    context.verify_mode = ssl.CERT_REQUIRED if asked.demanded else ssl.CERT_OPTIONAL
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    if asked.anchors:
        trust(context, asked.anchors, shown.where)
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
