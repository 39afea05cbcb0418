"""Settings of the calls that the gateway makes on its own account: proxies and client certificates by purpose."""

from __future__ import annotations

from sluicegate.settings.section import Section


class OutboundProxy(Section, frozen=True):
    """The HTTP proxy for one kind of call."""

    enabled: bool = False
    """Use what follows."""
    http_proxy: str = ""
    """Proxy for http:// addresses; empty: from the environment."""
    https_proxy: str = ""
    """Proxy for https:// addresses."""
    bypass_proxy: str = ""
    """Hosts, comma-separated, that are called directly."""


class OutboundMTLS(Section, frozen=True):
    """The client certificate for one kind of call: from files, or from the certificate store, not both."""

    enabled: bool = False
    """Present a client certificate."""
    cert_file: str = ""
    """PEM file of the certificate."""
    key_file: str = ""
    """PEM file of its key."""
    ca_file: str = ""
    """PEM file of the authorities that are trusted."""
    cert_id: str = ""
    """Id of the certificate in the certificate store."""
    ca_cert_ids: list[str] = []
    """Ids of the authorities in the certificate store."""
    insecure_skip_verify: bool = False
    """Do not verify the other side."""
    tls_min_version: str = ""
    """Lowest TLS version."""
    tls_max_version: str = ""
    """Highest TLS version."""


class OutboundService(Section, frozen=True):
    """How one kind of service is called."""

    proxy: OutboundProxy = OutboundProxy()
    mtls: OutboundMTLS = OutboundMTLS()


class ExternalServices(Section, frozen=True, rename={"global_": "global"}):
    """How services are called, by purpose; `global` stands for those that say nothing."""

    global_: OutboundProxy = OutboundProxy()
    oauth: OutboundService = OutboundService()
    storage: OutboundService = OutboundService()
    webhooks: OutboundService = OutboundService()
    health: OutboundService = OutboundService()
    discovery: OutboundService = OutboundService()
