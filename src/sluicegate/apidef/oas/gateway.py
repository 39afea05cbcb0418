"""The extension of an OpenAPI document, field for field as Tyk writes it (contract 02.8)."""

from __future__ import annotations

from sluicegate.apidef.gotypes import GoStruct, Omit
from sluicegate.apidef.oas.errors import ErrorOverrides
from sluicegate.apidef.oas.info import Info
from sluicegate.apidef.oas.middleware import Middleware
from sluicegate.apidef.oas.server import Server
from sluicegate.apidef.oas.upstream import Upstream


class XTykAPIGateway(GoStruct, frozen=True):
    """The extension `x-tyk-api-gateway` of an OpenAPI document."""

    info: Info = Info()
    upstream: Upstream = Upstream()
    server: Server = Server()
    middleware: Omit[Middleware | None] = None
    errorOverrides: Omit[ErrorOverrides | None] = None
