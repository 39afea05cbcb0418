"""Addresses of a Redis, in the two ways that settings list them (contract 05.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

HIGHEST_PORT = 65535


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
