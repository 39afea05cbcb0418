"""The answers that the listener gives by itself, before or instead of a chain (contract 06.1, 06.5)."""

from __future__ import annotations

from sluicegate.chain.outcome import Rejection, Reply
from sluicegate.errors import FAULT_CODES, UpstreamError, UpstreamFault

TEXT_PLAIN = (b"Content-Type", b"text/plain; charset=utf-8")

NOT_FOUND = Rejection(404, "Not Found", code="route_not_found", flag="NRH")
NOT_FOUND_REPLY = Reply(404, [TEXT_PLAIN], b"Not Found", tracked=False)
ABOUT_THE_SERVER = Reply(200, [], tracked=False)
"""What `OPTIONS *` gets: it asks about no resource (RFC 9110 section 9.3.7)."""

INTERNAL = Rejection(500, "Internal Server Error", code="internal_error")
TOO_LARGE = Rejection(413, "Request Entity Too Large", code="request_entity_too_large", flag="BTL", plain=True)
HARD_TIMEOUT = Rejection(504, "Upstream service reached hard timeout.", code="upstream_timeout", flag="URT")
NO_SUCH_HOST = Rejection(500, "Upstream host lookup failed", code="dns_not_found", flag="DNS")
NOT_PROXIED = Rejection(500, "There was a problem proxying the request", code="upstream_error", flag="UPE")


def of_upstream_error(error: UpstreamError) -> Rejection:
    """Return the answer to a request whose upstream failed (contract 06.5)."""
    if error.fault is UpstreamFault.TIMEOUT or error.fault is UpstreamFault.CONNECT_TIMEOUT:
        return HARD_TIMEOUT
    if error.fault is UpstreamFault.DNS:
        return NO_SUCH_HOST
    return Rejection(NOT_PROXIED.status, NOT_PROXIED.message, code=FAULT_CODES[error.fault], flag=error.fault.value)


def moved_to(location: bytes) -> Reply:
    """Return the redirect to a clean path (contract 06.1)."""
    return Reply(301, [(b"Location", location)], tracked=False)
