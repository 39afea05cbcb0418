"""What a client may use up: bytes, fields, time (RFC 9110 section 17.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluicegate.listener.descriptors import clients_at_most

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a listener.

    head_bytes:       longest head of a request; 431 beyond.
    header_count:     most fields of a request; 431 beyond.
    header_timeout_s: for a head, from its first byte, and for the first byte on a new connection; 408 beyond,
                      or the bare end where nothing was said.
    body_timeout_s:   for each next piece of a body; 408 beyond.
    write_timeout_s:  for the client to take each next piece of an answer; the connection is cut beyond.
    idle_timeout_s:   between requests; the connection is closed beyond.
    connections:      most open connections of a worker; a further one is closed at once.
                      Fewer where the system allows fewer open files.
    """

    head_bytes: int
    header_count: int
    header_timeout_s: float
    body_timeout_s: float
    write_timeout_s: float
    idle_timeout_s: float
    connections: int


def limits_of(settings: Settings) -> Limits:
    """Return the limits that the settings say."""
    own = settings.sluicegate
    server = settings.http_server_options
    return Limits(
        head_bytes=own.max_header_bytes,
        header_count=own.max_header_count,
        header_timeout_s=own.header_timeout_s,
        body_timeout_s=own.body_timeout_s,
        write_timeout_s=server.write_timeout,
        idle_timeout_s=own.idle_timeout_s,
        connections=clients_at_most(own.max_connections),
    )
