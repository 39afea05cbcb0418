"""What is kept of an exchange when its answer has left, and how it is read later.

`capture` is the only thing here that runs on the road: it takes plain values into a tuple, so that the exchange, its
connection and its bodies can go. When there is time, a `Reader` makes texts of what is bytes there. What is the same
for every request of an API, or for requests with the very same head, it works out once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

from sluicegate.chain.client_ip import client_ip_of

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange
    from sluicegate.routing.route import Route
    from sluicegate.wire.http1_read import RequestHead

Capture = tuple[Any, ...]
"""The values that `capture` takes, in its order."""

CLIENT_GONE = 499
"""Status of an exchange whose client went away before there was an answer (contract 06.5)."""

HUNDRED_YEARS_S = 100 * 365 * 24 * 3600
"""How long records are kept by an API that does not say (contract 12.1)."""

REMEMBERED_HEADS = 256
REMEMBERED_APIS = 4096


def capture(exchange: Exchange, total_s: float, upstream_s: float) -> Capture:
    """Return what is remembered of an exchange. No value refers back to it.

    total_s, upstream_s: how long it took in all, and for the upstream to answer; 0 where that did not.
    """
    client = exchange.client
    return (
        exchange.route,
        exchange.request,
        exchange.changed_headers,
        exchange.url,
        client.peer_ip,
        client.peer_port,
        exchange.status or CLIENT_GONE,
        exchange.started_s,
        total_s,
        upstream_s,
        exchange.key_hash,
        exchange.session,
        exchange.version_name,
        exchange.tracked,
        exchange.tracked_path,
        exchange.tags,
        exchange.rejection,
        exchange.rejected_by,
        exchange.target,
        exchange.upstream_status,
        exchange.aborted or exchange.cut,  # False, True, or the UpstreamFault: the answer ended early
    )


class ApiFacts:
    """What is the same for all requests of an API."""

    __slots__ = (
        "api_id",
        "api_name",
        "api_type",
        "classic",
        "expires_s",
        "is_tracked",
        "listen_path",
        "org_id",
        "tag_headers",
        "tags",
        "target_host",
    )

    def __init__(self, route: Route) -> None:
        classic = self.classic = route.api.classic
        self.api_id, self.org_id, self.api_name = route.api_id, route.org_id, route.name
        self.listen_path = route.listen_path
        self.api_type = "graphql" if classic.graphql.enabled else "oas" if classic.is_oas else "classic"
        self.is_tracked = not classic.do_not_track
        self.expires_s = classic.expire_analytics_after or HUNDRED_YEARS_S
        self.tags = list(classic.tags)
        self.tag_headers = [(name.lower().encode(), name.lower()) for name in classic.tag_headers]
        try:
            self.target_host = urlsplit(classic.proxy.target_url).netloc
        except ValueError:
            self.target_host = ""


class HeadFacts:
    """What a request's head says, as text.

    path:     as received, unescaped; in a loop as it came to the door of its API.
    original: as the client asked for it.
    stripped: `path` without the listen path of `route`, if somebody has asked for it.
    """

    __slots__ = (
        "content_length",
        "host",
        "is_proxied",
        "method",
        "original",
        "path",
        "protocol",
        "route",
        "stripped",
        "user_agent",
    )

    def __init__(self, head: RequestHead) -> None:
        self.method = head.method.decode("ascii", "replace")
        self.host = text_of(head.host)
        self.path = unescaped(head.path)
        self.original = self.path if head.asked_path is None else unescaped(head.asked_path)
        self.protocol = "HTTP/1.1" if head.version == 11 else "HTTP/1.0"
        self.user_agent = text_of(head.headers.get(b"user-agent") or b"")
        self.content_length = -1 if head.content_length is None else head.content_length
        self.is_proxied = head.forwarded or b"x-real-ip" in head.headers
        self.route: Route | None = None
        self.stripped = ""


class Reader:
    """Makes texts of captured values."""

    def __init__(self, xff_depth: int) -> None:
        self.xff_depth = xff_depth
        self._apis: dict[str, ApiFacts] = {}
        self._heads: dict[RequestHead, HeadFacts] = {}

    def api(self, route: Route) -> ApiFacts:
        """Return the facts of an API."""
        facts = self._apis.get(route.api_id)
        if facts is None or facts.classic is not route.api.classic:
            if len(self._apis) >= REMEMBERED_APIS:
                self._apis.clear()
            facts = self._apis[route.api_id] = ApiFacts(route)
        return facts

    def head(self, request: RequestHead) -> HeadFacts:
        """Return the facts of a head."""
        facts = self._heads.get(request)
        if facts is None:
            if len(self._heads) >= REMEMBERED_HEADS:
                self._heads.clear()
            facts = self._heads[request] = HeadFacts(request)
        return facts

    def client_ip(self, request: RequestHead, peer_ip: str) -> str:
        """Return the client's address, for a head that came through a proxy."""
        return client_ip_of(request.headers, peer_ip, self.xff_depth)

    def path(self, head: HeadFacts, request: RequestHead, route: Route, url: bytes | None, is_stripped: bool) -> str:
        """Return the path as it stood at the end (contract 12.1).

        is_stripped: whether the listen path was taken off, where the API has it so: for an upstream, or for the record
                     of an error.
        """
        is_stripped = is_stripped and route.strip_listen_path
        if url is not None:
            path = path_and_host(url)[0]
            return unescaped(route.stripped(path) if is_stripped else path)
        if not is_stripped:
            return head.path
        if head.route is not route:
            head.route, head.stripped = route, unescaped(route.stripped(request.path))
        return head.stripped

    def forget(self) -> None:
        """Let go of what was worked out, so that APIs that are gone take no room."""
        self._apis.clear()
        self._heads.clear()


def path_and_host(url: bytes) -> tuple[bytes, str]:
    """Return path and host of a rewritten URL; the host is empty unless it is absolute."""
    path = url.partition(b"?")[0]
    scheme, mark, rest = path.partition(b"://")
    if not mark or b"/" in scheme:
        return path, ""
    authority, slash, path = rest.partition(b"/")
    return slash + path, text_of(authority)


def unescaped(path: bytes) -> str:
    """Return a path as text, escapes undone; it always begins with a slash."""
    text = text_of(unquote_to_bytes(path) if b"%" in path else path)
    return text if text[:1] == "/" else f"/{text}"


def text_of(raw: bytes) -> str:
    """Return bytes of a client as text that can be written as UTF-8."""
    return raw.decode("utf-8", "replace")


def writable(text: str) -> str:
    """Return a text that may hold bytes of a client (surrogate escapes) so that it can be written as UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
