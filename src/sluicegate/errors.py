"""Everything that can go wrong, and whose business it is.

    SluicegateError
    ├── ConfigError        a file, a setting or a definition is wrong: where, what, what to do
    ├── BadMessage         bytes that are not HTTP as RFC 9112 has it: the connection ends
    ├── UpstreamError      the upstream failed: how, and whether the request may be sent again
    └── StoreError         the store cannot be reached or refuses; never a verdict about a key

A refusal by a middleware is no error but an answer: see `chain.outcome.Rejection`.
They are caught at three borders only: the listener (one connection), the reload (one definition), the command line.
"""

from __future__ import annotations

import enum


class SluicegateError(Exception):
    """Root of all errors that this package raises on purpose."""


class ConfigError(SluicegateError):
    """Something that somebody wrote is wrong.

    where: file, line and field as far as they are known (`tyk.conf:12: listen_port`).
    what:  what is wrong with it.
    hint:  what to do about it; may be empty.
    """

    def __init__(self, where: str, what: str, hint: str = "") -> None:
        super().__init__(where, what, hint)
        self.where, self.what, self.hint = where, what, hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text} ({self.hint})" if self.hint else text

    def kept(self) -> ConfigError:
        """Return the same error to be kept: one that was raised keeps every frame alive that it came through."""
        return ConfigError(self.where, self.what, self.hint)


class BadMessage(SluicegateError):
    """A peer sent what RFC 9112 does not allow, or more than a limit allows.

    status: what a client is told (RFC 9110 section 15); of an upstream's answer it is never shown.
    reason: a short text, safe to show to the peer.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status, self.reason = status, reason


class UpstreamFault(enum.Enum):
    """How an upstream failed; the value is the response flag of the access log (contract 12.2)."""

    REFUSED = "UCF"
    CONNECT_TIMEOUT = "UCT"
    RESET = "URR"
    TIMEOUT = "URT"
    DNS = "DNS"
    NO_ROUTE = "NRH"
    TLS_HANDSHAKE = "TLH"
    TLS_PROTOCOL = "TLP"
    TLS_ALERT = "TLA"
    TLS_EXPIRED = "TLE"
    TLS_UNTRUSTED = "TLI"
    TLS_MISMATCH = "TLM"
    PROTOCOL = "UPE"


FAULT_CODES = {
    UpstreamFault.REFUSED: "connection_refused",
    UpstreamFault.CONNECT_TIMEOUT: "upstream_timeout",
    UpstreamFault.RESET: "connection_reset",
    UpstreamFault.TIMEOUT: "upstream_timeout",
    UpstreamFault.DNS: "dns_not_found",
    UpstreamFault.NO_ROUTE: "host_unreachable",
    UpstreamFault.TLS_HANDSHAKE: "tls_handshake_failure",
    UpstreamFault.TLS_PROTOCOL: "tls_protocol_error",
    UpstreamFault.TLS_ALERT: "tls_alert_received",
    UpstreamFault.TLS_EXPIRED: "tls_certificate_expired",
    UpstreamFault.TLS_UNTRUSTED: "tls_unknown_authority",
    UpstreamFault.TLS_MISMATCH: "tls_hostname_mismatch",
    UpstreamFault.PROTOCOL: "upstream_error",
}
"""What each is called in logs and metrics; Tyk's words, where it has one."""


class UpstreamError(SluicegateError):
    """The upstream did not answer as it should.

    fault:     how.
    untouched: True when no byte of the request can have been acted upon, so that it may go to another target.
    """

    def __init__(self, fault: UpstreamFault, detail: str = "", *, untouched: bool = False) -> None:
        super().__init__(fault, detail)
        self.fault, self.detail, self.untouched = fault, detail, untouched


class StoreError(SluicegateError):
    """The store cannot be reached, did not answer in time, or refused a command."""
