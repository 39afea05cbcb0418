"""A running gateway whose port speaks TLS, and clients that show certificates."""

from __future__ import annotations

import json
import ssl
from typing import Any

import trustme
from tests.gateway import Gateway
from tests.wire import ClosedError, Wire, get

AUTHORITY = trustme.CA()
"""Whom both sides trust."""


def client(cert: trustme.LeafCert | None = None) -> ssl.SSLContext:
    """Return what a client has that shows a certificate, or none."""
    context = ssl.create_default_context(cadata=AUTHORITY.cert_pem.bytes().decode())
    if cert is not None:
        cert.configure_cert(context)
    return context


class TlsGateway(Gateway):
    """A gateway whose ports speak TLS. name: what clients ask for that do not say another."""

    name = "one.test"

    def raw(self, *, port: int | None = None, tls: ssl.SSLContext | None = None, name: str | None = None) -> Wire:
        return super().raw(port=port, tls=tls or client(), name=name or self.name)

    def admin(self, method: str, path: str, document: Any = None) -> tuple[int, Any]:
        body = b"" if document is None else document if isinstance(document, bytes) else json.dumps(document).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.name}\r\nX-Tyk-Authorization: {self.conf['secret']}\r\n"
        with self.raw() as wire:
            answer = wire.ask(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return answer.status, json.loads(answer.body)

    def ask_as(self, cert: trustme.LeafCert | None, name: str, path: str, *lines: str) -> tuple[int, str]:
        """Return status and error of an answer to a client that shows that certificate; (0, ""): it does not get in."""
        try:
            with self.raw(tls=client(cert), name=name) as wire:
                answer = wire.ask(get(path, *lines, host=name))
        except (OSError, ClosedError):
            return 0, ""
        return answer.status, json.loads(answer.body)["error"] if answer.status >= 400 else ""
