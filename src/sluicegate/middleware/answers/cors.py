"""Tells browsers which other sites may call the API, and answers their preflight requests (contract 09.11).

Asked for by `CORS.enable`. It says what Go's `rs/cors` 1.11 says: a site that is not allowed simply gets no CORS
headers, and every OPTIONS request ends here, before authentication, unless `CORS.options_passthrough`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import HeaderLines, Outcome, Reply
from sluicegate.wire.headers import canonical

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import CORSConfig, VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

SIMPLE_METHODS = ("GET", "POST", "HEAD")
SIMPLE_HEADERS = ("accept", "content-type", "x-requested-with")

VARY_BY_ORIGIN: HeaderLines = ((b"Vary", b"Origin"),)
VARY_OF_PREFLIGHT: HeaderLines = ((b"Vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),)
ANY_ORIGIN = (b"Access-Control-Allow-Origin", b"*")


class Origins:
    """The sites that may call: `*`, names, and names with one `*` in them; upper and lower case are the same."""

    __slots__ = ("_names", "_patterns", "any")

    def __init__(self, origins: tuple[bytes, ...]) -> None:
        lower = [origin.lower() for origin in origins]
        self.any = not lower or b"*" in lower
        self._names = frozenset(origin for origin in lower if b"*" not in origin)
        self._patterns = [origin.split(b"*", 1) for origin in lower if b"*" in origin]

    def allow(self, origin: bytes) -> bool:
        """Return whether a site may call."""
        if self.any:
            return True
        origin = origin.lower()
        return origin in self._names or any(
            len(origin) >= len(head) + len(tail) and origin.startswith(head) and origin.endswith(tail)
            for head, tail in self._patterns
        )


class Cors(Middleware):
    """Sets `exchange.response_headers` of every request, and answers OPTIONS."""

    name = "CORSMiddleware"

    def __init__(self, config: CORSConfig) -> None:
        self._origins = Origins(tuple(_bytes(origin) for origin in config.allowed_origins))
        self._methods = frozenset(_bytes(method) for method in config.allowed_methods or SIMPLE_METHODS)
        self._headers = frozenset(_bytes(name.lower()) for name in config.allowed_headers or SIMPLE_HEADERS)
        self._passes_options = config.options_passthrough
        exposed = b", ".join(canonical(_bytes(name)) for name in config.exposed_headers)
        credentials: HeaderLines = ((b"Access-Control-Allow-Credentials", b"true"),) if config.allow_credentials else ()
        self._after_origin: HeaderLines = ((b"Access-Control-Expose-Headers", exposed),) if exposed else ()
        self._after_origin += credentials
        self._after_preflight = credentials
        if config.max_age:
            self._after_preflight += ((b"Access-Control-Max-Age", b"%d" % max(0, config.max_age)),)

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when CORS is on."""
        config = api.classic.cors
        return cls(config) if config.enable else None

    def on_request(self, exchange: Exchange) -> Outcome:
        """Say what this site may do; an OPTIONS request ends here."""
        method, headers = exchange.request.method, exchange.request.headers
        if method != b"OPTIONS":
            say(exchange, self._of_request(method, headers.get(b"origin")))
            return None
        if self._passes_options:
            return None
        wanted = headers.get(b"access-control-request-method")
        if wanted:
            asked = headers.get_all(b"access-control-request-headers")
            say(exchange, self._of_preflight(wanted, headers.get(b"origin"), asked))
            return Reply(204, tracked=False)
        say(exchange, self._of_request(method, headers.get(b"origin")))
        return Reply(200, tracked=False)

    def _of_request(self, method: bytes, origin: bytes | None) -> HeaderLines:
        if not origin or not self._origins.allow(origin) or not self._allows_method(method):
            return VARY_BY_ORIGIN
        return (*VARY_BY_ORIGIN, self._origin_line(origin), *self._after_origin)

    def _of_preflight(self, method: bytes, origin: bytes | None, asked: list[bytes]) -> HeaderLines:
        if not origin or not self._origins.allow(origin) or not self._allows_method(method):
            return VARY_OF_PREFLIGHT
        if not self._allows_headers(asked):
            return VARY_OF_PREFLIGHT
        named: HeaderLines = ()
        if asked and asked[0]:
            named = tuple((b"Access-Control-Allow-Headers", names) for names in asked)
        methods = (b"Access-Control-Allow-Methods", method)
        return (*VARY_OF_PREFLIGHT, self._origin_line(origin), methods, *named, *self._after_preflight)

    def _origin_line(self, origin: bytes) -> tuple[bytes, bytes]:
        return ANY_ORIGIN if self._origins.any else (b"Access-Control-Allow-Origin", origin)

    def _allows_method(self, method: bytes) -> bool:
        return method in self._methods or method == b"OPTIONS"

    def _allows_headers(self, asked: list[bytes]) -> bool:
        if b"*" in self._headers:
            return True
        names = (name.strip(b" \t").lower() for names in asked for name in names.split(b","))
        return all(not name or name in self._headers for name in names)


def say(exchange: Exchange, lines: HeaderLines) -> None:
    """Add headers to the answer, in the place of those that another chain has said before a loop."""
    if exchange.loop_level:
        names = {name for name, _ in lines}
        exchange.response_headers = tuple(line for line in exchange.response_headers if line[0] not in names)
    exchange.response_headers += lines


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
