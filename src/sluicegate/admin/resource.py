"""One path of the gateway API: which methods it has, and how what goes wrong is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sluicegate.admin.body import BodyTooLong
from sluicegate.admin.envelope import Refused, plain
from sluicegate.errors import StoreError

if TYPE_CHECKING:
    from sluicegate.admin.node import Node

Call = Callable[["Node", Request], Awaitable[Response]]
"""What answers one method of one path. Raises Refused for everything that is not the answer."""

STORE_UNAVAILABLE = "Store unavailable, try again later"


class Resource:
    """An ASGI application for one path.

    path:  as `routes` has it. It is what the log tells: the real one may hold a key.
    calls: by method. A method that is not there is answered 405 with `wrong_method`.
    """

    def __init__(
        self, node: Node, path: str, calls: Mapping[str, Call], wrong_method: str = "Method not supported"
    ) -> None:
        self._node, self._path, self.calls, self._wrong_method = node, path, calls, wrong_method

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        call = self.calls.get(request.method)
        if call is None:
            return Refused(405, self._wrong_method).answer()
        try:
            return await call(self._node, request)
        except Refused as refused:
            return refused.answer()
        except BodyTooLong:
            return plain(413, "Request Entity Too Large")
        except StoreError as error:
            self._log("error", f"Store unavailable: {error}", request)
            return Refused(503, STORE_UNAVAILABLE).answer()
        except RecursionError:  # a document nested deeper than the stack
            return Refused(400, "Request malformed").answer()
        except ClientDisconnect:
            return Refused(400, "Request malformed").answer()
        except Exception as error:  # the last border: a fault of ours is one 500, and the process lives on
            self._log("error", f"Unexpected failure: {type(error).__name__}: {error}", request)
            return Refused(500, "Unexpected failure").answer()

    def _log(self, level: str, message: str, request: Request) -> None:
        self._node.services.log(level, message, prefix="api", method=request.method, path=self._path)
