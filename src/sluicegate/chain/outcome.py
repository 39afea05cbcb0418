"""What a step of a chain may decide: nothing, a rejection, a reply, or to wait first."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field, replace

HeaderLines = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Rejection:
    """The gateway answers instead of the upstream, with a reason (contract 06.6).

    status:  HTTP status.
    message: the text in Tyk's error body.
    code:    stable identifier, unique in the code base, for logs and metrics (`auth_field_missing`).
    flag:    response flag of the access log (contract 12.2), empty where Tyk has none.
    headers: more headers for the answer, such as WWW-Authenticate.
    plain:   True: the body is the bare message as text/plain, as Go's http.Error writes it.
    rate_headers: True: X-RateLimit-* are added as on proxied answers.
    """

    status: int
    message: str
    code: str
    flag: str = ""
    headers: HeaderLines = ()
    plain: bool = False
    rate_headers: bool = False

    def saying(self, message: str) -> Rejection:
        """Return the same rejection with another message, for texts that name a value."""
        return replace(self, message=message)

    def with_header(self, name: bytes, value: bytes) -> Rejection:
        """Return the same rejection with one more header."""
        return replace(self, headers=(*self.headers, (name, value)))


@dataclass(slots=True)
class Reply:
    """A whole answer that a middleware gives itself: a mock, a preflight, a cached response.

    headers: (canonical name, value); Content-Length and Date are added when it is sent.
    final:   True: response middlewares are not run over it (contract 06.3: classic mocks; 09.8: cache hits).
    tracked: False: no analytics record is made (contract 06.3).
    rate_headers: True: X-RateLimit-* are added as on proxied answers (contract 06.7).
    length:  of the body that an answer to HEAD leaves out; None: that of `body`.
    """

    status: int
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    final: bool = True
    tracked: bool = True
    rate_headers: bool = False
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """The request goes on in another chain of this process (contract 06.5, `tyk://`).

    url: the whole `tyk://host/path?query`.
    """

    url: str


Outcome = Rejection | Reply | Loop | None
"""None: the next step has its turn."""

Step = Outcome | Awaitable[Outcome]
"""What `on_request` returns; an awaitable only when it has to wait for something."""

STORE_UNAVAILABLE = Rejection(
    503, "Store unavailable, try again later", "store_unavailable", headers=((b"Retry-After", b"1"),)
)
"""What the road answers to a StoreError, whichever step met it: never a verdict about a key, never 401, 403 or 429."""
