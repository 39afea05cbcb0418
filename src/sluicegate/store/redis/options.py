"""How a Redis is reached: the settings made ready, and checked, once."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sluicegate.errors import ConfigError
from sluicegate.settings.store_addresses import from_addrs, from_hosts
from sluicegate.store.redis.link import Address

if TYPE_CHECKING:
    from sluicegate.settings.storage import StorageOptions

TLS_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
Greeting = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class RedisOptions:
    """How connections are made.

    addresses:         of the server, of the Sentinels, or of some servers of the Cluster.
    greeting:          the commands that each new connection begins with.
    timeout_s:         to connect, and for each answer.
    tls:               None is plain TCP.
    is_cluster:        they are a Redis Cluster.
    master_name:       what Sentinels call the master; empty: they are no Sentinels.
    sentinel_greeting: the commands that a connection to a Sentinel begins with.
    """

    addresses: tuple[Address, ...]
    greeting: Greeting = field(default=(), repr=False)
    timeout_s: float = 5.0
    tls: ssl.SSLContext | None = None
    is_cluster: bool = False
    master_name: str = ""
    sentinel_greeting: Greeting = field(default=(), repr=False)


def redis_options(storage: StorageOptions, where: str = "storage") -> RedisOptions:
    """Return what the settings ask for. Raises ConfigError.

    where: the block of the settings, for messages.
    """
    addresses = addresses_of(storage, where)
    is_cluster = not storage.master_name and (storage.enable_cluster or len(addresses) > 1)
    sentinel_greeting = (("AUTH", storage.sentinel_password),) if storage.sentinel_password else ()
    return RedisOptions(
        addresses,
        _greeting(storage, 0 if is_cluster else storage.database),
        float(storage.timeout),
        tls_context(storage, where),
        is_cluster,
        storage.master_name,
        sentinel_greeting,
    )


def addresses_of(storage: StorageOptions, where: str = "storage") -> tuple[Address, ...]:
    """Return what the settings list: servers or Sentinels. Raises ConfigError."""
    try:
        if storage.addrs:
            return from_addrs(storage.addrs)
        if storage.hosts:
            return from_hosts(storage.hosts)
    except ValueError as error:
        raise ConfigError(f"{where}.{'addrs' if storage.addrs else 'hosts'}", str(error), "write host:port") from None
    return ((storage.host, storage.port),)


def _greeting(storage: StorageOptions, database: int) -> Greeting:
    greeting: list[tuple[str, ...]] = []
    if storage.password:
        greeting.append(("AUTH", *filter(None, (storage.username, storage.password))))
    if database:
        greeting.append(("SELECT", str(database)))
    return tuple(greeting)


def tls_context(storage: StorageOptions, where: str) -> ssl.SSLContext | None:
    """Return how connections are encrypted; None: they are not. Raises ConfigError."""
    if not storage.use_ssl:
        return None
    context = ssl.create_default_context()
    try:
        if storage.ca_file:
            context.load_verify_locations(storage.ca_file)
        if storage.cert_file:
            context.load_cert_chain(storage.cert_file, storage.key_file or None, _no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise ConfigError(
            where, f"the TLS files cannot be used: {error}", "check ca_file, cert_file, key_file"
        ) from error
    if storage.ssl_insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.minimum_version = TLS_VERSIONS.get(storage.tls_min_version, ssl.TLSVersion.TLSv1_2)
    context.maximum_version = TLS_VERSIONS.get(storage.tls_max_version, ssl.TLSVersion.TLSv1_3)
    return context


def _no_password() -> str:
    """Answer for a key that is encrypted: without this, OpenSSL would ask at the terminal."""
    raise ValueError("the private key is encrypted")
