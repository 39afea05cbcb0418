"""The gateway API as an ASGI application: gate, router, resources. Serves a whole port or the `/tyk/` part of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from sluicegate.admin.envelope import not_found, plain
from sluicegate.admin.gate import GUARDED, Gate
from sluicegate.admin.resource import Resource
from sluicegate.admin.routes import ROUTES, open_routes

if TYPE_CHECKING:
    from sluicegate.admin.node import Node


def create_app(node: Node) -> ASGIApp:
    """Return the application that serves this node."""
    routes = [OneRoute(path, Resource(node, path, calls), methods=calls) for path, calls in ROUTES]
    for path, calls in open_routes(node.settings):
        routes.append(OneRoute(path, Resource(node, path, calls, "Method Not Allowed"), methods=calls))
    return Gate(node, Router(routes, redirect_slashes=False, default=_nobody))


class OneRoute(Route):
    """A path with its methods: for others a later route may be meant, and if there is none, the resource says so."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the resource answer."""
        await self.app(scope, receive, send)


async def _nobody(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer for a path that is nowhere."""
    if scope["type"] != "http":
        return
    response: Response = (
        plain(404, "404 page not found") if Request(scope).url.path.startswith(GUARDED) else not_found()
    )
    await response(scope, receive, send)
