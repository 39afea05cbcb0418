"""What a middleware is: the contract between the road and its steps.

One middleware is one file in `middleware/<section>/`: a module docstring (what it does, which field of the definition
asks for it), its rejections as module constants, and one class. It is built once for each version of an API, at load
time, where everything is compiled; `from_definition` returns None when the definition does not ask for it, and then it
costs nothing. During a request it is called with the exchange, and keeps nothing of it.

    class IpAllow(Middleware):
        name = "IPWhiteListMiddleware"

        @classmethod
        def from_definition(cls, api, version, services):
            return cls(networks) if api.classic.allowed_ips else None

        def on_request(self, exchange):
            return None if self.allows(exchange.client_ip) else FORBIDDEN

`on_request` is a plain function. Only when it has to wait (for the store, a body) does it return an awaitable, usually
by calling an `async def` of its own; the road then parks the request until that has an outcome. None hands over to the
next step.

Responses pass `on_response` of the same middlewares in `RESPONSE_ORDER`, which may change status and headers in place.
A middleware that needs the body says so in `wants_response_body` for one response at a time; the road then holds the
response back until the body is whole, or longer than `body_limit_bytes`, and calls `on_response_body`.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, ClassVar, Self

from sluicegate.chain.outcome import Rejection, Step

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange, Response
    from sluicegate.chain.services import Services


class Middleware:
    """A step of a chain. Subclasses override what they need; what is not overridden is not called."""

    name: ClassVar[str]
    """Tyk's name of the step, as it stands in logs (`error_source`)."""

    body_limit_bytes: int = 0
    """The longest response body to hold back for `on_response_body`; 0 is no limit."""

    may_ignore: bool = False
    """True: it may put a path on the ignore list (`exchange.ignored`), so the steps behind it have to ask."""

    runs_when_ignored: ClassVar[bool] = True
    """False: skipped for paths on the ignore list (auth, key checks and limits: contract 06.3)."""

    runs_when_looped: ClassVar[bool] = True
    """False: skipped inside a `tyk://` loop unless it asked for `check_limits` (contract 06.5)."""

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step that this version of the API asks for, or None. Raises ConfigError."""
        raise NotImplementedError

    def on_request(self, exchange: Exchange) -> Step:
        """Look at a request, change it, or answer it."""

    def owns(self, exchange: Exchange) -> bool:
        """Of what answers endpoints of the gateway's own: return whether a request is for one."""
        return False

    def on_response(self, exchange: Exchange, response: Response) -> None:
        """Change the status or headers of a response, before anything of it is sent."""

    def wants_response_body(self, exchange: Exchange, response: Response) -> bool:
        """Return whether `on_response_body` must see this response's body."""
        return False

    def on_response_body(
        self, exchange: Exchange, response: Response, body: bytes
    ) -> bytes | Rejection | Awaitable[bytes | Rejection]:
        """Return the body that takes its place, or a rejection instead of the response."""
        return body

    def on_response_too_long(self, exchange: Exchange, response: Response) -> Rejection | None:
        """The body is longer than `body_limit_bytes`: return a rejection, or None to let it stream through unseen."""
        return None
