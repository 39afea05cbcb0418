"""One address of an upstream, with all that is the same for every request to it, ready as bytes.

Targets are made when a definition is read (`upstream.upstream`). During a request only its record changes: how many
connections failed in a row.
"""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from sluicegate.errors import ConfigError
from sluicegate.wire.url import port_of

if TYPE_CHECKING:
    from sluicegate.upstream.ejection import Ejector

DEFAULT_PORTS = {"http": 80, "https": 443}
SAME_AS = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
"""Schemes that are spoken, and what they come to (contract 10.4)."""

NOT_YET = "not served by this version"
HINTS = {
    "h2c": NOT_YET,
    "tcp": NOT_YET,
    "tls": NOT_YET,
    "tyk": "another API can be the `target_url`, not one of a list",
}
HOST = re.compile(r"[0-9a-z_.-]+|[0-9a-f:.]+")
MOST_PORT, NOBODYS_PORT = 65535, 0
"""A port beyond the first fails when somebody connects, as in Tyk (contract 06.5): nobody listens on the second."""

CONTROLS = re.compile(r"[\x00-\x20\x7f]")


class Target:
    """One address of an upstream.

    scheme:      `http` or `https`.
    host, port:  where to connect to; no brackets around IPv6.
    host_header: what Host says unless the client's is preserved, as it was written (`a.test:8080`).
    path_prefix: path as it was written, escaped; goes before the request's.
    query:       goes before the request's query; no question mark.
    weight:      its share among several, 1 or more.
    tls:         how it is verified and greeted, with `https`; else None.
    server_name: what certificates are verified for, with `https`.
    key:         `host:port`, its name in metrics and health tests.
    pool:        its connections, set by the upstream.
    healthy:     False when health tests find it down, set by the upstream.
    ejector:     who hears of failed connections, or None where there is no other target. Weakly: it knows its targets.
    failures, ejections, ejected_until: its record, kept by the ejector: failed connections in a row, how often it was
                 ejected since it last worked, and `clock.ticks` when that ends (0: it is not ejected).
    """

    __slots__ = (
        "__weakref__",
        "ejected_until",
        "ejections",
        "ejector",
        "failures",
        "healthy",
        "host",
        "host_header",
        "key",
        "path_prefix",
        "pool",
        "port",
        "query",
        "scheme",
        "server_name",
        "tls",
        "weight",
    )

    def __init__(self, scheme: str, host: str, port: int, host_header: bytes, path_prefix: bytes, query: bytes) -> None:
        self.scheme, self.host, self.port = scheme, host, port
        self.host_header, self.path_prefix, self.query = host_header, path_prefix, query
        self.key = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.server_name = host
        self.tls: ssl.SSLContext | None = None
        self.weight = 1
        self.pool: Any = None
        self.healthy = True
        self.ejector: Ejector | None = None
        self.failures = self.ejections = 0
        self.ejected_until = 0.0

    @property
    def available(self) -> bool:
        """Whether nothing speaks against sending requests there."""
        return self.healthy and not self.ejected_until

    def failed(self) -> None:
        """A connection could not be made."""
        if self.ejector is not None:
            self.ejector.failed(self)

    def succeeded(self) -> None:
        """A connection was made."""
        if self.failures and self.ejector is not None:
            self.ejector.succeeded(self)

    def __repr__(self) -> str:
        return f"Target({self.url})"

    @property
    def url(self) -> str:
        """The address in one line, for logs and for telling targets apart."""
        query = f"?{self.query.decode()}" if self.query else ""
        return f"{self.scheme}://{self.host_header.decode()}{self.path_prefix.decode()}{query}"


def parse_target(text: str, default_scheme: str = "http", where: str = "") -> Target:
    """Return the target that an URL of a definition names.

    text:           `scheme://host[:port][/path][?query]`; without a scheme it gets `default_scheme` (contract 09.13).
    where:          the field it stands in, for the error.

    Raises ConfigError for whatever cannot be connected to.
    """
    text = text.strip()
    if "://" not in text:
        text = f"{default_scheme or 'http'}://{text}"
    if CONTROLS.search(text):
        raise ConfigError(where, f"target {text!r} holds blanks or control characters", "escape them as %20")
    try:
        parts = urlsplit(text)
        port = port_of(parts)
        host = _ascii_host(parts.hostname or "")
    except (ValueError, UnicodeError) as error:
        raise ConfigError(where, f"target {text!r} is not an URL: {error}") from None
    written = parts.scheme.lower()
    scheme = SAME_AS.get(written)
    if scheme is None:
        hint = HINTS.get(written, "use http:// or https://")
        raise ConfigError(where, f"target {text!r} has the scheme {written!r}", hint)
    if not HOST.fullmatch(host):
        raise ConfigError(where, f"target {text!r} names no host", "write it as http://host:port/path")
    return Target(
        scheme,
        host,
        DEFAULT_PORTS[scheme] if port is None else port if port <= MOST_PORT else NOBODYS_PORT,
        _host_header(host, port),
        _escaped(parts.path),
        _escaped(parts.query),
    )


def _ascii_host(host: str) -> str:
    return host if host.isascii() else host.encode("idna").decode("ascii")


def _host_header(host: str, port: int | None) -> bytes:
    name = f"[{host}]" if ":" in host else host
    return (name if port is None else f"{name}:{port}").encode("ascii")


def _escaped(text: str) -> bytes:
    # What is written stays as it is; only what can stand in no request line is escaped (contract 06.1).
    return quote(text, safe="/%:;?#[]@!$&'()*+,=-._~\"<>\\^`{|}").encode("ascii")
