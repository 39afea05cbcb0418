"""Settings of the store: Redis in Tyk's words."""

from __future__ import annotations

from typing import Literal

from sluicegate.settings.section import IntOrDefault, PortOrDefault, Section, StrOrDefault, TLSVersionName


class IAMAuth(Section, frozen=True):
    """Sign in to a cloud's Redis with a short-lived token."""

    enabled: bool = False
    """Use tokens instead of a password."""
    provider: str = ""
    """Who issues the tokens."""
    service_account: str = ""
    """Account the tokens are for."""
    token_refresh_before_expiry: StrOrDefault = "5m"  # noqa: S105 (a duration)
    """How long before its end a token is renewed."""


class StorageOptions(Section, frozen=True):
    """How a Redis is reached."""

    type: Literal["", "embedded", "redis"] = ""
    """`redis`, or `embedded` for the store in a file (`sluicegate.store_path`). Empty: embedded."""
    host: StrOrDefault = "localhost"
    """Host of a single Redis, where neither `addrs` nor `hosts` is set."""
    port: PortOrDefault = 6379
    """Port of a single Redis."""
    hosts: dict[str, str] = {}
    """Hosts and their ports: `addrs` in an older form, which gives way to it."""
    addrs: list[str] = []
    """Addresses `host:port`: one of a single Redis, several of a Redis Cluster, or those of Sentinels."""
    master_name: str = ""
    """Name of the master that the Sentinels in `addrs` watch; the addresses are then theirs."""
    sentinel_password: str = ""
    """Password of the Sentinels."""
    username: str = ""
    """User of Redis; counts only with a password."""
    password: str = ""
    """Password of Redis; may be a reference such as `env://REDIS_PASSWORD`."""
    database: int = 0
    """Number of the database; a Redis Cluster knows only 0."""
    optimisation_max_idle: IntOrDefault = 100
    """Without effect: each worker has one connection to a server, which carries the commands of all requests."""
    optimisation_max_active: IntOrDefault = 500
    """Without effect, likewise."""
    timeout: IntOrDefault = 5
    """Seconds until a connection, and each answer, has to be there."""
    enable_cluster: bool = False
    """There is a Redis Cluster; it may be named by one address."""
    use_ssl: bool = False
    """Speak TLS."""
    ssl_insecure_skip_verify: bool = False
    """Do not verify the certificate; whoever is in between can then read along."""
    ca_file: str = ""
    """PEM file of the authorities that are trusted."""
    cert_file: str = ""
    """PEM file of the client certificate."""
    key_file: str = ""
    """PEM file of the client certificate's key."""
    tls_max_version: TLSVersionName = "1.3"
    """Highest TLS version."""
    tls_min_version: TLSVersionName = "1.2"
    """Lowest TLS version."""
    compress_api_definitions: bool = False
    """Compress the copy of the hub's API definitions that an edge keeps in its Redis."""
    compress_policies: bool = False
    """Compress the copy of the hub's policies, likewise."""
    max_decompressed_size: IntOrDefault = 104857600
    """Without effect: there is no such copy to unpack."""
    iam_auth: IAMAuth = IAMAuth()
