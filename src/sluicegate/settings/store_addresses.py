"""Where a Redis is, out of the three ways to say it: `addrs`, else `hosts`, else `host` and `port` (contract 05.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sluicegate.errors import ConfigError

if TYPE_CHECKING:
    from sluicegate.settings.storage import StorageOptions

HIGHEST_PORT = 65535


def addresses_of(storage: StorageOptions, where: str = "storage") -> tuple[tuple[str, int], ...]:
    """Return hosts and ports. Raises ConfigError."""
    try:
        if storage.addrs:
            return from_addrs(storage.addrs)
        if storage.hosts:
            return from_hosts(storage.hosts)
    except ValueError as error:
        raise ConfigError(f"{where}.{'addrs' if storage.addrs else 'hosts'}", str(error), "write host:port") from None
    return ((storage.host, storage.port),)


def from_addrs(addrs: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Return what a list of `host:port` says. Raises ValueError."""
    return tuple(dict.fromkeys(map(_address, addrs)))


def from_hosts(hosts: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """Return what a map from host to port says; whole addresses are taken on either side. Raises ValueError."""
    return tuple(dict.fromkeys(_entry(host, port) for host, port in hosts.items()))


def _entry(host: str, port: str) -> tuple[str, int]:
    if ":" in port:
        return _address(port)
    if not port or (host.endswith(f":{port}") and host.count(":") == 1):
        return _address(host)
    return _address(f"{host}:{port}")


def _address(text: str) -> tuple[str, int]:
    host, _colon, port = text.strip().rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= HIGHEST_PORT:
        raise ValueError(f'"{text}" is not an address')
    return host.strip("[]"), int(port)
