"""What a balancer is asked to do, whichever program it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sluicegate.errors import ConfigError

ROUND_ROBIN: Final = "round_robin"
WEIGHTED: Final = "weighted"
IP_HASH: Final = "ip_hash"
LEAST_CONN: Final = "least_conn"
ALGORITHMS: Final = (ROUND_ROBIN, WEIGHTED, IP_HASH, LEAST_CONN)

READY: Final = "/ready?store=optional"
"""With the store away no node is `/ready` by Tyk's rule; a balancer that went by that would answer for all of them."""

MOST_WEIGHT = 256
"""HAProxy's limit."""
FILE = re.compile(r"/[A-Za-z0-9_./@+~-]+")
NAME = re.compile(r"[A-Za-z0-9_.-]{1,253}")
NUMERIC = re.compile(r"[0-9.]+|.*:.*")
PATH = re.compile(r"/[A-Za-z0-9_./~-]*(\?[A-Za-z0-9_./~=&-]*)?")
HOST = re.compile(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")

# The numbers that all configurations share, in seconds. The nodes close idle connections after 75 s
# (`sluicegate.idle_timeout_s`); a balancer that drops its own before never sends on one that is just being closed.
IDLE_S = 60
CONNECT_S = 2
CHECK_EVERY_S = 1
CHECK_FAILURES = 2
FAILURES = 3
OUT_FOR_S = 5
"""A node with so many failures is left out for so long, where the program judges by what happens to requests."""
RETRY_WITHIN_S = 5
KEPT_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Node:
    """Where a node listens, and its share of the traffic. is_tls: it listens with TLS (`use_ssl`)."""

    host: str
    port: int
    weight: int = 1
    is_tls: bool = False

    @property
    def address(self) -> str:
        """Return `host:port`, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_named(self) -> bool:
        """Whether its host is a name, not an address."""
        return NUMERIC.fullmatch(self.host) is None


@dataclass(frozen=True, slots=True)
class Front:
    """A balancer to be written.

    check_path:   path that says whether a node may get traffic.
    check_port:   port it is asked on, where nodes have a `control_api_port`; None: that of the traffic.
    accept_proxy: clients come through something that sends a PROXY protocol header.
    send_proxy:   nodes expect one (`sluicegate.proxy_protocol`).
    ca:           PEM file of those who have signed the certificates of nodes that listen with TLS; "": the system's.
    server_name:  which the certificates of all nodes are for; "": each for its own host.
    verified:     whether certificates of nodes are verified.
    """

    nodes: tuple[Node, ...]
    algorithm: str = ROUND_ROBIN
    listen_port: int = 80
    check_path: str = READY
    check_port: int | None = None
    accept_proxy: bool = False
    send_proxy: bool = False
    ca: str = ""
    server_name: str = ""
    verified: bool = True

    def __post_init__(self) -> None:
        """Raises ConfigError."""
        if not PATH.fullmatch(self.check_path):
            raise ConfigError("--check", f'"{self.check_path}" is not a path', "write /ready")
        if self.ca and not FILE.fullmatch(self.ca):
            raise ConfigError("--ca", f'"{self.ca}" is not the whole path of a file', "write /etc/ssl/our-ca.pem")
        if self.server_name and not NAME.fullmatch(self.server_name):
            raise ConfigError("--server-name", f'"{self.server_name}" is not a host name')
        if len({node.is_tls for node in self.nodes}) > 1:
            raise ConfigError("--nodes", "some listen with TLS and some do not", "let all do the same")
        if not self.is_tls and (self.ca or self.server_name or not self.verified):
            option = "--ca" if self.ca else "--server-name" if self.server_name else "--no-verify"
            raise ConfigError(option, "no node listens with TLS", "write --nodes https://host:port")

    @property
    def is_tls(self) -> bool:
        """Whether nodes listen with TLS."""
        return self.nodes[0].is_tls

    def needs_server_name(self, program: str) -> ConfigError:
        """Return that the program can only verify names, and which one is to be said."""
        what = f"missing: {program} verifies names in certificates, no addresses"
        return ConfigError("--server-name", what, "write the name that the certificates of all nodes are for")

    @property
    def has_weights(self) -> bool:
        """Whether some node gets more than another."""
        return any(node.weight != 1 for node in self.nodes)


def read_nodes(text: str) -> tuple[Node, ...]:
    """Return the nodes of `URL,URL=WEIGHT,…`. Raises ConfigError."""
    nodes = tuple(_read_node(one.strip()) for one in text.split(",") if one.strip())
    if not nodes:
        raise ConfigError("--nodes", "no node is named", "write --nodes http://10.0.0.1:8080,http://10.0.0.2:8080")
    addresses = [node.address for node in nodes]
    for address in addresses:
        if addresses.count(address) > 1:
            raise ConfigError("--nodes", f"{address} is named twice", "give a node more traffic by a weight: URL=2")
    return nodes


def _read_node(text: str) -> Node:
    url, equals, weight = text.partition("=")
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        is_tls = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError("--nodes", f'"{url}" is not a URL', "write http://host:port") from None
    if parts.scheme not in ("http", "https"):
        raise ConfigError("--nodes", f'"{url}": nodes speak HTTP', "write http://host:port, or https://host:port")
    if port is None:
        port = 443 if is_tls else 80
    if (
        not port
        or not HOST.fullmatch(host)
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
        or parts.username is not None
    ):
        raise ConfigError("--nodes", f'"{url}" is not host and port', "write http://host:port")
    return Node(host, port, _read_weight(text, weight) if equals else 1, is_tls)


def _read_weight(text: str, weight: str) -> int:
    number = int(weight) if weight.isascii() and weight.isdigit() and len(weight) < 4 else 0
    if not 1 <= number <= MOST_WEIGHT:
        raise ConfigError(
            "--nodes", f'"{text}": a weight is a number from 1 to {MOST_WEIGHT}', "write http://host:port=3"
        )
    return number


def choose_algorithm(asked: str | None, nodes: Iterable[Node]) -> str:
    """Return the algorithm that was asked for, else the one that the weights ask for. Raises ConfigError."""
    has_weights = any(node.weight != 1 for node in nodes)
    if asked is None:
        return WEIGHTED if has_weights else ROUND_ROBIN
    if asked == ROUND_ROBIN and has_weights:
        raise ConfigError("--algorithm", "round_robin gives all nodes the same", "choose weighted, or name no weights")
    if asked == WEIGHTED and not has_weights:
        raise ConfigError("--algorithm", "weighted needs weights", "write --nodes http://a:8080=3,http://b:8080=1")
    return asked
