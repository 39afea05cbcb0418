"""HAProxy: a whole configuration. It asks each node every second, so that one that drains is left before it closes."""

from __future__ import annotations

from sluicegate.cli.fronts.front import (
    CHECK_EVERY_S,
    CHECK_FAILURES,
    CONNECT_S,
    IDLE_S,
    IP_HASH,
    KEPT_CONNECTIONS,
    LEAST_CONN,
    Front,
    Node,
)

BALANCE = {
    IP_HASH: "    balance source\n    hash-type consistent  # a node that goes moves its own clients only",
    LEAST_CONN: "    balance leastconn",
}

SYSTEM_CA = "@system-ca"

TEXT = """\
# Sluicegate behind HAProxy, as written by `sluicegate lb haproxy`: a whole /etc/haproxy/haproxy.cfg. Try it with
# haproxy -c -f FILE; then reload HAProxy, which loses no connection.

global
    log stdout format raw local0 notice  # nodes that go and come

defaults
    mode http
    log global
    timeout http-request 10s     # for the head of a request
    timeout http-keep-alive {idle}s
    timeout connect {connect}s
    timeout client 1h            # how long bodies may take is for the nodes to say
    timeout server 1h
    timeout tunnel 1h            # WebSocket, and whatever else was upgraded

frontend clients
    bind :{listen}{accept}
    # For HTTPS: bind :443 ssl crt FILE alpn h2,http/1.1. Without a control_api_port in the nodes' settings their admin
    # API and /metrics are reached here too.
    option forwardfor
    http-request set-header X-Real-IP %[src]
    http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}
    http-request set-header X-Forwarded-Proto http unless {{ ssl_fc }}
    option http-no-delay         # each piece of a stream leaves at once
    default_backend sluicegate

backend sluicegate
{balance}

    # {check} says 503 as soon as a node was told to stop. Give nodes a graceful_shutdown_delay_seconds of {delay} or
    # more: they go on serving until this has been noticed.
    option httpchk GET {check}
    http-check expect status 200

    # Another node is tried when a connection fails; after the request was sent only for methods that may be repeated,
    # and only while nothing of an answer has come.
    retries 2
    option redispatch 1
    retry-on conn-failure empty-response
    http-request disable-l7-retry unless {{ method GET HEAD OPTIONS PUT DELETE }}

    http-reuse safe
    default-server {defaults}
{servers}
"""


def write(front: Front) -> str:
    """Return the configuration. Raises ConfigError for what HAProxy cannot do."""
    defaults = f"check inter {CHECK_EVERY_S}s fall {CHECK_FAILURES} rise 1 pool-max-conn {KEPT_CONNECTIONS}"
    if front.check_port:
        defaults += f" port {front.check_port}"
    if front.is_tls:
        # Said once more for checks, which would go without it on another port.
        defaults += " ssl check-ssl verify " + (
            f"required ca-file {front.ca or SYSTEM_CA}" if front.verified else "none"
        )
    if front.send_proxy:
        defaults += " send-proxy-v2 check-send-proxy"
    return TEXT.format(
        listen=front.listen_port,
        accept=" accept-proxy  # let nobody but what sends it reach this port" if front.accept_proxy else "",
        idle=IDLE_S,
        connect=CONNECT_S,
        balance=BALANCE.get(front.algorithm, "    balance roundrobin"),
        check=front.check_path,
        delay=CHECK_EVERY_S * CHECK_FAILURES + 1,
        defaults=defaults,
        servers="\n".join(_server(number, node, front) for number, node in enumerate(front.nodes, 1)),
    )


def _server(number: int, node: Node, front: Front) -> str:
    weight = f" weight {node.weight}" if node.weight != 1 else ""
    return f"    server node-{number} {node.address}{weight}{_name(node, front) if front.is_tls else ''}"


def _name(node: Node, front: Front) -> str:
    """Return which name a node's certificate is asked for by, and has to be for."""
    name = front.server_name or (node.host if node.is_named else "")
    if front.verified and not name:
        raise front.needs_server_name("HAProxy")
    verify = f" verifyhost {name}" if front.verified else ""
    return f" sni str({name}) check-sni {name}{verify}" if name else ""
