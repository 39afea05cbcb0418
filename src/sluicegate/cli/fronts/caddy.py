"""Caddy: a whole Caddyfile, for Caddy 2.6 and newer."""

from __future__ import annotations

from math import gcd

from sluicegate.cli.fronts.front import (
    CHECK_EVERY_S,
    CHECK_FAILURES,
    CONNECT_S,
    FAILURES,
    IDLE_S,
    IP_HASH,
    KEPT_CONNECTIONS,
    LEAST_CONN,
    OUT_FOR_S,
    RETRY_WITHIN_S,
    ROUND_ROBIN,
    WEIGHTED,
    Front,
    Node,
)
from sluicegate.errors import ConfigError

LOOKS = 8
"""Caddy 2.6 looks for a node that is there as often as there are entries, all requests with one counter: of two
requests at once, one may look only at the node that is away, and gives up if it is no GET. More entries, more looks."""

POLICIES = {IP_HASH: "ip_hash", LEAST_CONN: "least_conn"}

TEXT = """\
# Sluicegate behind Caddy, as written by `sluicegate lb caddy`: a whole /etc/caddy/Caddyfile. Try it with
# caddy validate --config FILE; then: caddy reload --config FILE
{{
	grace_period 30s
}}

# For HTTPS put your domain in place of http://:{listen}; Caddy sees to the certificate. Without a control_api_port in
# the nodes' settings their admin API and /metrics are reached here too.
http://:{listen} {{
	reverse_proxy {{
		# In turns; a node with several has that share. With few, Caddy may look only at the one that is away.
		to {nodes}
		lb_policy {policy}

		# {check} says 503 as soon as a node was told to stop. Give nodes a graceful_shutdown_delay_seconds of {delay}
		# or more: they go on serving until this has been noticed.
		health_uri {check}
{port}		health_interval {every}s
		health_timeout 2s
		health_status 200
		fail_duration {out_for}s
		max_fails {failures}

		# Another node is tried when a connection fails; after the request was sent only for GET.
		lb_retries 2
		lb_try_duration {retry_within}s
		lb_try_interval 100ms

		# Caddy sets X-Forwarded-For and X-Forwarded-Proto by itself; bodies stream, upgrades pass.
		header_up X-Real-IP {{remote_host}}
		flush_interval -1
		transport http {{
{tls}			compression off
			dial_timeout {connect}s
			keepalive {idle}s
			keepalive_idle_conns_per_host {kept}
		}}
	}}
}}
"""


def _tls(front: Front) -> str:
    """Return how nodes are spoken to with TLS; Go verifies addresses too."""
    lines = ["tls"]
    if front.server_name:
        lines.append(f"tls_server_name {front.server_name}")
    if front.ca:
        lines.append(f"tls_trusted_ca_certs {front.ca}")
    if not front.verified:
        lines.append("tls_insecure_skip_verify")
    return "".join(f"\t\t\t{line}\n" for line in lines)


def write(front: Front) -> str:
    """Return the configuration. Raises ConfigError for what Caddy 2.6 cannot do."""
    if front.accept_proxy or front.send_proxy:
        option = "--accept-proxy" if front.accept_proxy else "--send-proxy"
        raise ConfigError(option, "Caddy 2.6 does not speak the PROXY protocol", "choose nginx or haproxy")
    if front.has_weights and front.algorithm != WEIGHTED:
        raise ConfigError("--nodes", f"Caddy knows no weights with {front.algorithm}", "name no weights")
    turns = _turns(front.nodes)
    if front.algorithm in (ROUND_ROBIN, WEIGHTED):
        turns *= -(-LOOKS // len(turns))
    return TEXT.format(
        listen=front.listen_port,
        nodes=" ".join(node.address for node in turns),
        policy=POLICIES.get(front.algorithm, "round_robin"),
        check=front.check_path,
        delay=CHECK_EVERY_S * CHECK_FAILURES + 1,
        port=f"\t\thealth_port {front.check_port}\n" if front.check_port else "",
        every=CHECK_EVERY_S,
        out_for=OUT_FOR_S,
        failures=FAILURES,
        retry_within=RETRY_WITHIN_S,
        tls=_tls(front) if front.is_tls else "",
        connect=CONNECT_S,
        idle=IDLE_S,
        kept=KEPT_CONNECTIONS,
    )


def _turns(nodes: tuple[Node, ...]) -> list[Node]:
    """Return the nodes in the order of their turns: one of weight 3 has three, spread evenly.

    Caddy 2.6 has no weights, but takes the same node several times. This is nginx's smooth weighted round robin.
    """
    part = gcd(*(node.weight for node in nodes))
    total = sum(node.weight for node in nodes) // part
    credit = [0] * len(nodes)
    turns = []
    for _ in range(total):
        credit = [have + node.weight // part for have, node in zip(credit, nodes, strict=True)]
        next_one = max(range(len(nodes)), key=credit.__getitem__)
        credit[next_one] -= total
        turns.append(nodes[next_one])
    return turns
