"""Configurations of balancers that stand in front of several nodes: one file for each program.

    front     what is asked for: nodes, port, algorithm, health check
    nginx     an include for its `http` block
    haproxy   a whole configuration
    caddy     a whole Caddyfile

All do the same, as far as the program can: connections to nodes are kept and used again; each request says who the
client is and how it came (`X-Real-IP`, `X-Forwarded-For`, `X-Forwarded-Proto`); bodies stream both ways; upgrades
pass; what failed is tried on another node only where that is safe, that is where the node cannot have seen it, or where
the method may be repeated (RFC 9110 section 9.2.2); a node that drains gets nothing new.
"""

from __future__ import annotations

from collections.abc import Callable

from sluicegate.cli.fronts import caddy, haproxy, nginx
from sluicegate.cli.fronts.front import Front

WRITERS: dict[str, Callable[[Front], str]] = {"nginx": nginx.write, "haproxy": haproxy.write, "caddy": caddy.write}
"""Returns the configuration of a program; raises ConfigError for what it cannot do."""
