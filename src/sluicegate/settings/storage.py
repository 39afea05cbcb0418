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
    """Host of a single Redis."""
    port: PortOrDefault = 6379
    """Port of a single Redis."""
    hosts: dict[str, str] = {}
    """Hosts and ports of a Redis Cluster; `addrs` is the newer form."""
    addrs: list[str] = []
    """Addresses `host:port` of a Redis Cluster or of Sentinels; one address is a single Redis."""
    master_name: str = ""
    """Name of the master that the Sentinels in `addrs` watch."""
    sentinel_password: str = ""
    """Password of the Sentinels."""
    username: str = ""
    """User of Redis."""
    password: str = ""
    """Password of Redis; may be a reference such as `env://REDIS_PASSWORD`."""
    database: int = 0
    """Number of the database; a Redis Cluster knows only 0."""
    optimisation_max_idle: IntOrDefault = 100
    """Without effect: one connection carries the commands of many requests."""
    optimisation_max_active: IntOrDefault = 500
    """Without effect, likewise."""
    timeout: IntOrDefault = 5
    """Seconds to connect, to read and to write."""
    enable_cluster: bool = False
    """The addresses are those of a Redis Cluster."""
    use_ssl: bool = False
    """Speak TLS."""
    ssl_insecure_skip_verify: bool = False
    """Do not verify the certificate."""
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
    """Compress API definitions in the store."""
    compress_policies: bool = False
    """Compress policies in the store."""
    max_decompressed_size: IntOrDefault = 104857600
    """Bytes that a compressed document may have when it is unpacked."""
    iam_auth: IAMAuth = IAMAuth()
