"""Loops: a request goes on in another chain of this process, by a `tyk://` URL (contract 06.5).

    tyk://self/path?query          the same API
    tyk://<api id>/path            another one: by API id, database id, or name with its odd characters as hyphens

The other chain meets the path of the URL as it stands, without its listen path: the table is not asked again. The
parameters `method`, `loop_limit` and `check_limits` of the query are the loop's own, and end here. The client may have
written them, by way of a rewrite's groups. An API that is another one's target is entered by `enter_target`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sluicegate.chain.exchange import Exchange
from sluicegate.chain.outcome import Rejection
from sluicegate.wire.headers import TOKEN
from sluicegate.wire.http1_read import RequestHead
from sluicegate.wire.query import parameter_of, without_parameter

if TYPE_CHECKING:
    from sluicegate.routing.route import Route
    from sluicegate.routing.table import Table

NO_LOOP_TARGET = Rejection(500, "Can't detect loop target", code="loop_target_unknown")
TOO_DEEP = Rejection(500, "Loop level too deep. Found more than {} loops in single request", code="loop_too_deep")
NO_TARGET = Rejection(500, "Couldn't detect target", code="target_unknown")
NO_METHOD = Rejection(500, "There was a problem proxying the request", code="loop_method_invalid")
DEFAULT_LIMIT = 5
HIGHEST_LIMIT = 100
"""However many loops a definition allows itself: each takes its part of Python's stack."""
NUMBER = re.compile(r"[0-9]{1,9}")
OWN_PARAMETERS = (b"method", b"loop_limit", b"check_limits")


def enter_loop(table: Table, exchange: Exchange, url: bytes) -> Exchange | Rejection:
    """Return the exchange that goes on in the chain a URL names, or why it cannot."""
    name, path, query = parts_of(url)
    said = parameter_of(query, b"loop_limit")
    method = parameter_of(query, b"method").upper().encode("utf-8", "surrogateescape") or exchange.method
    if not TOKEN.fullmatch(method):
        return NO_METHOD
    check_limits = parameter_of(query, b"check_limits") == "true"
    for own in OWN_PARAMETERS:
        query = without_parameter(query, own)
    if (refused := loops_too_often(exchange)) is not None:
        return refused
    is_same = name == "self"
    route = exchange.route if is_same else table.by_name(name)
    if route is None:
        return NO_LOOP_TARGET
    looped = entered(exchange, route, looped_head(exchange, path, query, method))
    if not exchange.loop_limit and NUMBER.fullmatch(said):  # the first that is said counts to the end
        looped.loop_limit = min(int(said), HIGHEST_LIMIT)
    looped.check_limits, looped.looped_from_self = check_limits, is_same
    if is_same:  # the version was chosen before
        looped.version_name = exchange.version_name
    return looped


def enter_target(table: Table, exchange: Exchange) -> Exchange | Rejection:
    """Return the exchange that goes on in the chain of another API, which is the target of its own.

    Its query is the client's, so nothing in it is ours, and limits count there as for any other request.
    """
    name, path, query = parts_of(exchange.route.loop_url(exchange))
    if (refused := loops_too_often(exchange)) is not None:
        return refused
    route = table.by_name(name)
    if route is None:
        return NO_TARGET
    looped = entered(exchange, route, looped_head(exchange, path, query, exchange.method))
    looped.check_limits = exchange.check_limits
    return looped


def parts_of(url: bytes) -> tuple[str, bytes, bytes]:
    """Return the host of a `tyk://` URL, its path without the first slash, and its query."""
    name, _, rest = url.removeprefix(b"tyk://").partition(b"/")
    path, _, query = rest.partition(b"?")
    return name.decode("utf-8", "replace"), path, query


def entered(exchange: Exchange, route: Route, head: RequestHead) -> Exchange:
    """Return the exchange that goes on with a head at the door of another chain."""
    looped = Exchange(exchange.client, head, route, exchange.services, head.method)
    looped.started_s, looped.started_ticks = exchange.started_s, exchange.started_ticks
    looped.loop_level, looped.loop_limit = exchange.loop_level + 1, exchange.loop_limit
    looped.body, looped.context = exchange.body, exchange.context
    looped.response_headers = exchange.response_headers
    looped.bytes_in, looped.tags = exchange.bytes_in, exchange.tags
    if exchange.session is not None:
        looped.session, looped.token, looped.key_hash = exchange.session, exchange.token, exchange.key_hash
        looped.quota, looped.rate = exchange.quota, exchange.rate
    return looped


def loops_too_often(exchange: Exchange) -> Rejection | None:
    """Return why a request loops no more that has done so more often than it may."""
    limit = exchange.loop_limit or DEFAULT_LIMIT
    return too_deep(limit) if exchange.loop_level > limit else None


def too_deep(limit: int = DEFAULT_LIMIT) -> Rejection:
    """Return why a request goes no further when it has come into more chains than it may."""
    return TOO_DEEP.saying(TOO_DEEP.message.format(limit))


def looped_head(exchange: Exchange, path: bytes, query: bytes, method: bytes) -> RequestHead:
    """Return the head of the request as it stands at the door of the other chain."""
    old = exchange.request
    whole = b"/" + path
    head = RequestHead(method, whole + (b"?" + query if query else b""), old.version)
    head.path, head.query = whole, query
    head.asked_path = old.path if old.asked_path is None else old.asked_path
    head.host, head.headers = old.host, exchange.headers.copy()
    head.content_length, head.has_length, head.chunked = old.content_length, old.has_length, old.chunked
    head.has_body = old.has_body
    head.keep_alive, head.forwarded, head.upgrade = old.keep_alive, old.forwarded, old.upgrade
    head.te_trailers, head.trailer = old.te_trailers, old.trailer
    return head
