"""Exchanges that are over, as the listener hands them to `finish`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.exchange import make_api, make_exchange

from sluicegate.chain.exchange import Exchange
from sluicegate.chain.outcome import Rejection
from sluicegate.routing.route import Route
from sluicegate.upstream.target import parse_target

ENDED_S = 1_795_449_292.25
TOOK_S = (0.0125, 0.0105)
"""In all, and the upstream: what `over` returns."""
REFUSED = Rejection(401, "Authorization field missing", code="auth_field_missing", flag="AMF")


def over(
    path: str = "/one/get",
    headers: Mapping[str, str] | None = None,
    status: int = 200,
    api: Mapping[str, Any] | None = None,
    **attributes: Any,
) -> Exchange:
    """Return an exchange that took 12.5 ms, 10.5 of them in the upstream.

    api:        more fields of the definition. attributes: of the exchange.
    """
    proxy = {"listen_path": "/one/", "target_url": "http://up.test:8080/base", "strip_listen_path": True}
    definition = make_api(**{"proxy": proxy, **(api or {})})
    exchange = make_exchange(path, headers={"User-Agent": "curl/8", **(headers or {})}, api=definition)
    exchange.route = Route(definition, proxy["listen_path"], is_strict=False, domain="", body_limit_bytes=0)  # type: ignore[arg-type]
    exchange.status = status
    exchange.started_s, exchange.started_ticks = ENDED_S - 0.0125, 100.0
    exchange.upstream_s = 0.0105
    exchange.target = parse_target("http://up.test:8080/base")
    for name, value in attributes.items():
        setattr(exchange, name, value)
    return exchange


def refused(rejected_by: str = "AuthKey", rejection: Rejection = REFUSED, **attributes: Any) -> Exchange:
    """Return an exchange that a middleware rejected."""
    attributes = {"rejection": rejection, "rejected_by": rejected_by, "target": None, **attributes}
    return over(status=rejection.status, upstream_s=0.0, **attributes)
