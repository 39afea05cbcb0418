"""One request, its response, and what was learnt between.

An `Exchange` is made when a request head has been read and is gone when the record of it is written. It is not a bag
for anything: who writes an attribute is named beside it.

A struct is made, and read, in less than half of the time of an object whose defaults stand in its class.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote_to_bytes

import msgspec

from sluicegate.chain.client_ip import client_ip_of
from sluicegate.chain.outcome import HeaderLines
from sluicegate.clock import now, ticks
from sluicegate.wire.headers import Headers

if TYPE_CHECKING:
    from sluicegate.apidef.session import Session
    from sluicegate.chain.services import Services
    from sluicegate.errors import UpstreamFault
    from sluicegate.routing.route import Route
    from sluicegate.wire.http1_read import RequestHead


class Client(Protocol):
    """What an exchange may ask of the connection it came on."""

    peer_ip: str
    peer_port: int
    is_tls: bool

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The certificate that the client has shown and whoever signed it, verified, in DER; () when there is none."""

    def read_body(self, limit_bytes: int) -> Awaitable[bytes]:
        """Return the whole request body. Raises BadMessage 413 when it is longer than the limit (0: no limit)."""


class Response:
    """A response on its way to the client, from an upstream or from the gateway itself."""

    __slots__ = ("content_length", "headers", "status")

    def __init__(self, status: int, headers: Headers, content_length: int | None = None) -> None:
        self.status, self.headers, self.content_length = status, headers, content_length


class Exchange(msgspec.Struct, eq=False):
    """One request and its response."""

    client: Client
    request: RequestHead
    route: Route
    services: Services
    method: bytes  # set by TransformMethod; at first the request's
    chain: Any = None  # chain.chain.Chain of the version that was chosen, set by the road

    # identity and time: set by the listener
    started_s: float = msgspec.field(default_factory=now)
    started_ticks: float = msgspec.field(default_factory=ticks)
    status: int = 0  # set when an answer begins; 499 when the client went away before
    bytes_in: int = 0  # request body bytes, set by the connection
    upstream_status: int = 0  # set by the listener: of the upstream's answer, 0 without one
    upstream_s: float = 0.0  # set by the listener: from the request's leaving to the head of that answer
    target: Any = None  # upstream.target.Target that was chosen, set by the dispatcher

    cut: UpstreamFault | None = None  # set by the listener: why the answer ended early
    aborted: bool = False  # set by the connection: the client went away before the answer was out

    # what the chain learnt
    version_name: str = ""  # set by the version selection; "" for a not versioned API
    ignored: bool = False  # set by PathLists: the path is on the ignore list
    # set by auth: the key's token; a custom key has another one than the text that came (contract 05.2)
    token: str = ""
    key_hash: str = ""  # set by auth: the name of the session in the store (contract 05.2)
    session: Session | None = None  # set by auth: with its policies applied
    context: dict[str, Any] | None = None  # set by ContextVars, and by UrlRewrite what its triggers found
    # X-RateLimit-Limit, -Remaining, -Reset (contract 07.11), set by limits: of the rate, None where nobody wants to
    # know it, and of the quota
    rate: tuple[int, int, int] | None = None
    quota: tuple[int, int, int] = (0, 0, 0)
    tracked: bool = True  # set by TrackEndpoint, or by a reply: False: no analytics record
    tracked_path: str = ""  # set by TrackEndpoint: the pattern that stands for the path in the record
    tags: tuple[str, ...] = ()  # set by whoever knows one: more tags of the record
    rejection: Any = None  # chain.outcome.Rejection, set by the reply writer
    rejected_by: str = ""  # name of the middleware that rejected, set by the road

    # what the chain wants of the upstream
    url: bytes | None = None  # set by UrlRewrite, StripAuth: path and query in place of the request's; may be absolute
    strips_version: bool = False  # set by the version selection: the version is taken out of path, query or headers
    timeout_s: float = 0.0  # set by HardTimeouts: for the whole upstream exchange; 0 is the default
    breaker: Any = None  # upstream.breaker.Breaker that watches this exchange, set by CircuitBreaker
    caching: Any = None  # middleware.answers.cache.Caching, set by Cache: where the answer is to be stored
    body: bytes | None = None  # set by read_body, or by a transform: the whole request body, to be sent instead
    hides_client: bool = False  # set by TransformHeaders: True: X-Forwarded-For is not sent
    response_headers: HeaderLines = ()  # set by Cors, versions, StickyCookie: more headers for whatever answer leaves

    # looping
    loop_level: int = 0  # set by the loop
    loop_limit: int = 0  # set by the loop: what the first URL that says one allows; 0 is the default
    looped_from_self: bool = False  # set by the loop: the session is kept (contract 06.5)
    check_limits: bool = True  # set by the loop: False inside a loop unless it asked for them

    changed_headers: Headers | None = None  # None as long as nobody has changed them
    _match_paths: tuple[str, str, str] | None = None
    _client_ip: str | None = None

    @property
    def headers(self) -> Headers:
        """What the upstream gets, to be changed at will. To look only, ask `request.headers`: it costs less."""
        headers = self.changed_headers
        if headers is None:
            headers = self.changed_headers = self.request.headers.copy()
        return headers

    @property
    def path(self) -> bytes:
        """Path as it stands now (rewritten or received), escaped, listen path included, no query."""
        url = self.url
        if url is None:
            return self.request.path
        path = url.partition(b"?")[0]
        if not path.startswith(b"/"):  # scheme://host/path
            _, slash, rest = path.partition(b"://")[2].partition(b"/")
            return slash + rest
        return path

    @property
    def query(self) -> bytes:
        """Query as it stands now, without the question mark."""
        return self.request.query if self.url is None else self.url.partition(b"?")[2]

    @property
    def match_paths(self) -> tuple[str, str, str]:
        """The received path in the three forms that patterns are tried on (contract 06.2), unescaped.

        Without listen path and version; without listen path; whole.
        """
        paths = self._match_paths
        if paths is None:
            whole = self.request.path
            text = (unquote_to_bytes(whole) if b"%" in whole else whole).decode("utf-8", "surrogateescape")
            relative = self.route.relative(text)
            paths = self._match_paths = (self.route.unversioned(relative, self.version_name), relative, text)
        return paths

    @property
    def client_ip(self) -> str:
        """The client's address as contract 06.9 finds it; "" when X-Forwarded-For is not deep enough."""
        ip = self._client_ip
        if ip is None:
            depth = self.services.settings.http_server_options.xff_depth
            ip = self._client_ip = client_ip_of(self.request.headers, self.client.peer_ip, depth)
        return ip

    async def read_body(self, limit_bytes: int = 0) -> bytes:
        """Return the whole request body; it is then sent from memory. Raises BadMessage 413 past the limit."""
        if self.body is None:
            self.body = await self.client.read_body(limit_bytes)
        return self.body
