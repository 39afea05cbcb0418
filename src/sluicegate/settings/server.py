"""Settings of the client's side: listeners, TLS, certificates, the ports that may be opened."""

from __future__ import annotations

from typing import Literal

from sluicegate.settings.section import IntOrDefault, Port, Section, TLSVersion


class CertData(Section, frozen=True):
    """A certificate of the listener."""

    domain_name: str = ""
    """Name the certificate is for; the names in the certificate itself count as well."""
    cert_file: str = ""
    """PEM file with the certificate chain."""
    key_file: str = ""
    """PEM file with the private key."""


class HTTPServerOptions(Section, frozen=True):
    """How client connections are accepted and read."""

    read_timeout: IntOrDefault = 120
    """Seconds within which a whole request must have been read. See `sluicegate.header_timeout_s`, `body_timeout_s`."""
    write_timeout: IntOrDefault = 120
    """Seconds that a client may take no byte of an answer before the connection is dropped."""
    use_ssl: bool = False
    """Serve TLS on the gateway's port."""
    enable_http2: bool = False
    """Offer HTTP/2 to clients."""
    enable_strict_routes: bool = False
    """Listen path `/app` answers `/app` and `/app/...` only, not `/apple`."""
    enable_path_prefix_matching: bool = False
    """Endpoint paths match from the beginning of the path (contract 06.2)."""
    enable_path_suffix_matching: bool = False
    """Endpoint paths match up to the end of the path (contract 06.2)."""
    ssl_insecure_skip_verify: bool = False
    """Do not verify certificates that clients present."""
    enable_websockets: bool = True
    """Pass upgraded connections through. False: an upstream is never asked to change the protocol."""
    certificates: list[CertData] = []
    """Certificates of the listener, chosen by the name the client asks for."""
    ssl_certificates: list[str] = []
    """Further certificates: paths of PEM files that hold chain and key, or ids in the certificate store."""
    server_name: str = ""
    """Name the TLS listener expects."""
    min_version: TLSVersion = 0
    """Lowest TLS version (771 is 1.2, 772 is 1.3)."""
    max_version: TLSVersion = 0
    """Highest TLS version."""
    skip_client_ca_announcement: bool = False
    """Do not tell clients which authorities are accepted."""
    flush_interval: int = 0
    """Without effect: answers are passed on as they arrive."""
    skip_url_cleaning: bool = False
    """Leave `//` and `..` in paths alone."""
    skip_target_path_escaping: bool = False
    """Send the path's escapes to the upstream as the client wrote them."""
    ssl_ciphers: list[str] = []
    """Cipher suites for TLS 1.2 and below, by their IANA names."""
    max_request_body_size: int = 0
    """Bytes a request body may have; more is answered with 413. 0: no limit."""
    xff_depth: int = 0
    """Entry of X-Forwarded-For that is the client: 0 the leftmost, N the Nth from the right."""
    max_response_body_size: int = 0
    """Bytes of an upstream's answer that a body transform reads; more is answered with 500. 0: no limit."""


class Certificates(Section, frozen=True):
    """Certificates by purpose: ids in the store, fingerprints or file paths."""

    apis: list[str] = []
    """Certificates that clients of APIs may use."""
    upstream: dict[str, str] = {}
    """Client certificate to present, by upstream host (`*` for all)."""
    control_api: list[str] = []
    """Client certificates that may use the admin API."""
    dashboard_api: list[str] = []
    """Certificates for talking to the Dashboard."""
    mdcb_api: list[str] = []
    """Certificates for talking to the multi-region hub."""


class CertificateExpiryMonitor(Section, frozen=True):
    """When certificates that run out are reported."""

    warning_threshold_days: IntOrDefault = 30
    """Days before the end when warnings begin."""
    check_cooldown_seconds: IntOrDefault = 3600
    """Seconds between two looks at one certificate."""
    event_cooldown_seconds: IntOrDefault = 86400
    """Seconds between two events for one certificate."""


class Security(Section, frozen=True):
    """Certificates, pinning and mutual TLS."""

    private_certificate_encoding_secret: str = ""
    """Secret that private keys are encrypted with in the store."""
    control_api_use_mutual_tls: bool = False
    """The admin API asks for a client certificate listed in `certificates.control_api`."""
    pinned_public_keys: dict[str, str] = {}
    """Public keys that an upstream must show, by host."""
    allow_unsafe_dynamic_mtls_token: bool = False
    """Accept a token without its certificate where a dynamic mTLS key is used."""
    certificates: Certificates = Certificates()
    certificate_expiry_monitor: CertificateExpiryMonitor = CertificateExpiryMonitor()


PortWhiteListProtocol = Literal["http", "https", "tcp", "tls"]


class PortRange(Section, frozen=True, rename={"from_": "from"}):
    """Ports from one to another, both included."""

    from_: Port = 0
    to: Port = 0


class PortsWhiteList(Section, frozen=True):
    """The ports that APIs of one protocol may open."""

    ranges: list[PortRange] = []
    ports: list[Port] = []
