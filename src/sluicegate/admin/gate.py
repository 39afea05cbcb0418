"""The way in: the secret before anything under `/tyk/`, trailing slashes trimmed (contract 04.1).

The views of the settings are for one host, where the settings name one; the rest answers whatever host is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sluicegate.admin.auth import Secret
from sluicegate.admin.envelope import Refused, not_found
from sluicegate.routing.table import host_name

if TYPE_CHECKING:
    from sluicegate.admin.node import Node

GUARDED = "/tyk/"
GUARDED_VIEWS = ("/config", "/env")


class Gate:
    """An ASGI application around the router."""

    def __init__(self, node: Node, router: ASGIApp) -> None:
        self._node, self._router = node, router
        self._secret = Secret(node)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._stopped(scope) if scope["type"] == "http" else None
        if response is not None:
            await response(scope, receive, send)
        else:
            await self._router(self._trimmed(scope), receive, send)

    def _stopped(self, scope: Scope) -> Response | None:
        """Return the answer to a request that goes no further."""
        path = scope["path"]
        is_view = path in GUARDED_VIEWS and self._node.settings.enable_config_inspection
        if not path.startswith(GUARDED) and not is_view:
            return None
        request = Request(scope)
        if is_view and not self._shows_views_at(request.headers.get("host", "")):
            return not_found()
        try:
            self._secret.check(request)
        except Refused as refused:
            return refused.answer()
        return RedirectResponse("/", 301) if path == GUARDED else None

    def _shows_views_at(self, host: str) -> bool:
        settings = self._node.settings
        name = settings.control_api_hostname or settings.hostname
        return not name or host_name(host.encode("latin-1")) == name

    def _trimmed(self, scope: Scope) -> Scope:
        path: str = scope.get("path", "")
        if path.startswith(GUARDED) and path.endswith("/"):
            return {**scope, "path": path.rstrip("/")}
        return scope
