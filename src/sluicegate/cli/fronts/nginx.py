"""nginx: an include for its `http` block.

Only its commercial edition asks nodes how they are; the free one learns from requests that fail. That costs no answer:
a refused connection is tried on another node at once, whatever the method.
"""

from __future__ import annotations

from sluicegate.cli.fronts.front import (
    CONNECT_S,
    FAILURES,
    IDLE_S,
    IP_HASH,
    KEPT_CONNECTIONS,
    LEAST_CONN,
    OUT_FOR_S,
    READY,
    RETRY_WITHIN_S,
    Front,
    Node,
)
from sluicegate.errors import ConfigError

# `ip_hash` of nginx itself looks at three of the four parts of an address, so that a whole office is one client.
METHODS = {
    IP_HASH: "    hash {client} consistent;  # a node that goes moves its own clients only\n",
    LEAST_CONN: "    least_conn;\n",
}

LEAST_ZONE_K = 64
NODE_ZONE_K = 2
"""One node takes nearly a kilobyte of the zone; nginx does not start when it is too small."""
ACCEPT = "  # let nobody but what sends PROXY protocol headers reach this port"

TEXT = """\
# Sluicegate behind nginx, as written by `sluicegate lb nginx`. It goes into the http block, on Debian as
# /etc/nginx/conf.d/sluicegate.conf; then: nginx -t && nginx -s reload

upstream sluicegate {{
    zone sluicegate {zone}k;  # all processes of nginx share what they know of the nodes
{method}    # nginx without Plus does not ask nodes how they are: one that fails {failures} times within {out_for} s is
    # left out for {out_for} s. To take a node out, send it SIGTERM: for graceful_shutdown_delay_seconds it goes on
    # serving and ends each connection with its next answer; then it refuses connections, which go to another node.
{servers}
    keepalive {kept};
    keepalive_timeout {idle}s;  # less than the nodes' sluicegate.idle_timeout_s
}}

map $http_upgrade $sluicegate_connection {{
    default upgrade;
    ''      '';  # connections to nodes are kept
}}

server {{
    listen {listen};{accept}
    # For HTTPS: `listen 443 ssl;`, ssl_certificate, ssl_certificate_key. Without a control_api_port in the nodes'
    # settings their admin API and /metrics are reached here too.

    client_max_body_size 0;     # how much a request may bring is for the nodes to say
    underscores_in_headers on;  # keys may come in such a header

    location / {{
        proxy_pass {scheme}://sluicegate;
        proxy_http_version 1.1;
{tls}        proxy_set_header Host $http_host;
        proxy_set_header Connection $sluicegate_connection;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header X-Real-IP {client};
        proxy_set_header X-Forwarded-For {forwarded_for};
        proxy_set_header X-Forwarded-Proto $scheme;

        # Bodies stream both ways. How long an answer may take is for the nodes to say.
        proxy_buffering off;
        proxy_request_buffering off;
        proxy_connect_timeout {connect}s;
        proxy_read_timeout 1h;
        proxy_send_timeout 1h;

        # Another node is tried when a connection fails; after the request was sent only for methods that may be
        # repeated (nginx leaves out POST, LOCK and PATCH), and not when an answer has begun.
        proxy_next_upstream error timeout;
        proxy_next_upstream_timeout {retry_within}s;
        proxy_next_upstream_tries {tries};
    }}
}}
"""


TLS = """\
        proxy_ssl_protocols TLSv1.2 TLSv1.3;
        proxy_ssl_server_name on;  # nodes choose their certificate by it
        proxy_ssl_name {name};
{verify}"""
VERIFY = """\
        proxy_ssl_verify on;
        proxy_ssl_verify_depth 4;
        proxy_ssl_trusted_certificate {ca};
"""
NO_VERIFY = "        proxy_ssl_verify off;  # whoever stands between can read and change everything\n"
SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"
"""Debian's; nginx knows of none by itself."""


def write(front: Front) -> str:
    """Return the configuration. Raises ConfigError for what nginx cannot do."""
    if front.send_proxy:
        raise ConfigError("--send-proxy", "nginx sends no PROXY protocol to HTTP servers", "X-Real-IP says the same")
    if front.check_port or front.check_path != READY:
        option = "--check-port" if front.check_port else "--check"
        raise ConfigError(option, "nginx without Plus does not ask nodes how they are", "leave it out")
    if front.is_tls and not front.server_name:
        raise front.needs_server_name("nginx")
    client = "$proxy_protocol_addr" if front.accept_proxy else "$remote_addr"
    return TEXT.format(
        method=METHODS.get(front.algorithm, "").format(client=client),
        zone=max(LEAST_ZONE_K, NODE_ZONE_K * len(front.nodes)),
        failures=FAILURES,
        out_for=OUT_FOR_S,
        servers="\n".join(_server(node) for node in front.nodes),
        kept=KEPT_CONNECTIONS,
        idle=IDLE_S,
        client=client,
        scheme="https" if front.is_tls else "http",
        tls=_tls(front) if front.is_tls else "",
        listen=f"{front.listen_port} proxy_protocol" if front.accept_proxy else front.listen_port,
        accept=ACCEPT if front.accept_proxy else "",
        forwarded_for=client if front.accept_proxy else "$proxy_add_x_forwarded_for",
        connect=CONNECT_S,
        retry_within=RETRY_WITHIN_S,
        tries=min(len(front.nodes), 3),
    )


def _tls(front: Front) -> str:
    verify = VERIFY.format(ca=front.ca or SYSTEM_CA) if front.verified else NO_VERIFY
    return TLS.format(name=front.server_name, verify=verify)


def _server(node: Node) -> str:
    weight = f" weight={node.weight}" if node.weight != 1 else ""
    return f"    server {node.address}{weight} max_fails={FAILURES} fail_timeout={OUT_FOR_S}s;"
