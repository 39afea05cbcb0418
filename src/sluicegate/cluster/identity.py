"""Who a node is: its name in the cluster, and the address at which others reach it."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sluicegate.store.redis.link import Address
from sluicegate.store.redis.options import addresses_of
from sluicegate.store.sqlite_file import make_private

if TYPE_CHECKING:
    from sluicegate.settings.model import Settings

LONGEST_ID = 128
EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 - what somebody may have written
SOMEWHERE = ("192.0.2.1", 9)
"""An address that is nobody's (RFC 5737): asking for the way to it sends nothing."""


def node_id(settings: Settings, file: Path, log: Callable[..., None]) -> str:
    """Return the name of this node: the configured one, else one that is made up once and kept in the file."""
    if settings.cluster.node_id:
        return settings.cluster.node_id[:LONGEST_ID]
    if not settings.cluster.enabled:
        return socket.gethostname()
    with suppress(OSError):
        kept = file.read_text("utf-8", "replace").strip()[:LONGEST_ID]
        if kept:
            return kept
    made = f"{socket.gethostname()}-{secrets.token_hex(3)}"
    try:
        make_private(file)
        file.write_text(made + "\n")
    except OSError as error:
        log("warning", "The name of this node cannot be kept, set cluster.node_id", file=str(file), error=str(error))
    return made


def address(settings: Settings) -> str:
    """Return the URL of the port for traffic, as other machines reach it."""
    host = settings.listen_address
    if host in EVERY_ADDRESS:
        host = _own_address(settings)
    scheme = "https" if settings.http_server_options.use_ssl else "http"
    return f"{scheme}://[{host}]:{settings.listen_port}" if ":" in host else f"{scheme}://{host}:{settings.listen_port}"


def ways(settings: Settings) -> tuple[Address, ...]:
    """Return whom to look for the way to, the first that there is one to counts: the store's servers, then anybody."""
    servers = addresses_of(settings.storage) if settings.storage.type == "redis" else ()
    return (*servers, SOMEWHERE)


def _own_address(settings: Settings) -> str:
    """Return the address of this machine on the way to the store, else on the way out."""
    for way in ways(settings):
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(way)
            found = str(probe.getsockname()[0])
            if not found.startswith("127."):
                return found
    return socket.gethostname()
