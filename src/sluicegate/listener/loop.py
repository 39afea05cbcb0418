"""Loops: a request goes on in another chain of this process, by a `tyk://` URL (contract 06.5).

    tyk://self/path?query          the same API
    tyk://<api id>/path            another one: by API id, database id, or name with its odd characters as hyphens

The parameters `method`, `loop_limit` and `check_limits` of the query are the loop's own, and end here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

from sluicegate.chain.exchange import Exchange
from sluicegate.chain.outcome import Rejection
from sluicegate.wire.http1_read import RequestHead

if TYPE_CHECKING:
    from sluicegate.routing.route import Route
    from sluicegate.routing.table import Table

NO_LOOP_TARGET = Rejection(500, "Can't detect loop target", code="loop_target_unknown")
TOO_DEEP = Rejection(500, "Loop level too deep. Found more than {} loops in single request", code="loop_too_deep")
NO_TARGET = Rejection(500, "Couldn't detect target", code="target_unknown")
DEFAULT_LIMIT = 5
HIGHEST_LIMIT = 100
"""However many loops a definition allows itself: each takes its part of Python's stack."""
NUMBER = re.compile(r"[0-9]{1,9}")
OWN_PARAMETERS = frozenset(("method", "loop_limit", "check_limits"))


def enter_loop(
    table: Table, exchange: Exchange, url: bytes, unknown: Rejection = NO_LOOP_TARGET
) -> Exchange | Rejection:
    """Return the exchange that goes on in the chain a URL names, or why it cannot: `unknown` when there is none."""
    name, _, rest = url.removeprefix(b"tyk://").partition(b"/")
    path, _, query = rest.partition(b"?")
    parameters = parse_qsl(query.decode("utf-8", "surrogateescape"), keep_blank_values=True)
    own = {key: value for key, value in parameters if key in OWN_PARAMETERS}
    said = own.get("loop_limit", "")
    limit = min(int(said), HIGHEST_LIMIT) if NUMBER.fullmatch(said) else DEFAULT_LIMIT
    level = exchange.loop_level + 1
    if level > limit:
        return too_deep(limit)
    same = name == b"self"
    route = exchange.route if same else table.by_name(name.decode("utf-8", "replace"))
    if route is None:
        return unknown
    if own:
        kept = [(key, value) for key, value in parameters if key not in OWN_PARAMETERS]
        query = urlencode(kept, quote_via=quote).encode()
    head = looped_head(exchange, route, path, query, own.get("method", ""))
    looped = Exchange(exchange.client, head, route, exchange.services, head.method)
    looped.started_s, looped.started_ticks = exchange.started_s, exchange.started_ticks
    looped.loop_level, looped.check_limits = level, own.get("check_limits") == "true"
    looped.body, looped.context = exchange.body, exchange.context
    looped.response_headers = exchange.response_headers
    looped.bytes_in, looped.tags = exchange.bytes_in, exchange.tags
    looped.looped_from_self = same
    if exchange.session is not None:
        looped.session, looped.token, looped.key_hash = exchange.session, exchange.token, exchange.key_hash
        looped.quota, looped.rate = exchange.quota, exchange.rate
    return looped


def too_deep(limit: int = DEFAULT_LIMIT) -> Rejection:
    """Return why a request goes no further when it has come into more chains than it may."""
    return TOO_DEEP.saying(TOO_DEEP.message.format(limit))


def looped_head(exchange: Exchange, route: Route, path: bytes, query: bytes, method: str) -> RequestHead:
    """Return the head of the request as it stands at the door of the other chain."""
    old = exchange.request
    whole = route.listen_prefix.rstrip(b"/") + b"/" + path
    head = RequestHead(
        method.upper().encode() or exchange.method, whole + (b"?" + query if query else b""), old.version
    )
    head.path, head.query = whole, query
    head.host, head.headers = old.host, exchange.headers.copy()
    head.content_length, head.has_length, head.chunked = old.content_length, old.has_length, old.chunked
    head.has_body = old.has_body
    head.keep_alive, head.forwarded, head.upgrade = old.keep_alive, old.forwarded, old.upgrade
    head.te_trailers, head.trailer = old.te_trailers, old.trailer
    return head
