"""How a Redis is reached: the settings made ready, and checked, once.

A single server has one address. Sentinel and Cluster differ in how the address of a connection is found, and in nothing
else of a link; their settings are refused here until they are there.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluicegate.errors import ConfigError

if TYPE_CHECKING:
    from sluicegate.settings.storage import StorageOptions

TLS_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True, slots=True)
class RedisOptions:
    """address: host and port. greeting: the commands that each new connection begins with. tls: None is plain TCP."""

    address: tuple[str, int]
    greeting: tuple[tuple[str, ...], ...] = field(default=(), repr=False)
    timeout_s: float = 5.0
    tls: ssl.SSLContext | None = None


def redis_options(storage: StorageOptions, where: str = "storage") -> RedisOptions:
    """Return what the settings ask for. Raises ConfigError.

    where: the block of the settings, for messages.
    """
    if storage.master_name:
        raise ConfigError(f"{where}.master_name", "Redis Sentinel is not supported yet", "name one Redis in `host`")
    addresses = storage.addrs or [f"{host}:{port}" for host, port in storage.hosts.items()]
    if storage.enable_cluster or len(addresses) > 1:
        raise ConfigError(f"{where}.addrs", "Redis Cluster is not supported yet", "name one Redis in `host`")
    address = _address(addresses[0], where) if addresses else (storage.host, storage.port)
    return RedisOptions(address, _greeting(storage), float(storage.timeout), _tls(storage, where))


def _address(text: str, where: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit():
        raise ConfigError(f"{where}.addrs", f'"{text}" is not an address', "write host:port")
    return host.strip("[]"), int(port)


def _greeting(storage: StorageOptions) -> tuple[tuple[str, ...], ...]:
    greeting: list[tuple[str, ...]] = []
    if storage.password:
        greeting.append(("AUTH", *filter(None, (storage.username, storage.password))))
    if storage.database:
        greeting.append(("SELECT", str(storage.database)))
    return tuple(greeting)


def _tls(storage: StorageOptions, where: str) -> ssl.SSLContext | None:
    if not storage.use_ssl:
        return None
    context = ssl.create_default_context()
    try:
        if storage.ca_file:
            context.load_verify_locations(storage.ca_file)
        if storage.cert_file:
            context.load_cert_chain(storage.cert_file, storage.key_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            where, f"the TLS files cannot be used: {error}", "check ca_file, cert_file, key_file"
        ) from error
    if storage.ssl_insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = TLS_VERSIONS.get(storage.tls_min_version, ssl.TLSVersion.TLSv1_2)
    context.maximum_version = TLS_VERSIONS.get(storage.tls_max_version, ssl.TLSVersion.TLSv1_3)
    return context
