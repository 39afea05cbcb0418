"""Who may call: whoever knows the `secret` of the settings, in X-Tyk-Authorization (contract 04.1).

Unlike Tyk there is no default secret: without one every call is refused, and the log says why, once.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from starlette.requests import Request

from sluicegate.admin.envelope import Refused
from sluicegate.store.tokens import to_bytes

if TYPE_CHECKING:
    from sluicegate.admin.node import Node

REFUSED = "Attempted administrative access with invalid or missing key!"
CLOSED = "The gateway API is closed: no `secret` is set. Set it in tyk.conf or TYK_GW_SECRET to use /tyk/."


class Secret:
    """The check of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._said_why = False

    def check(self, request: Request) -> None:
        """Return when the call may go on, else raise Refused 403; how long it takes tells nothing of the secret."""
        secret = self._node.settings.secret
        if not secret and not self._said_why:
            self._said_why = True
            self._node.services.log("warning", CLOSED, prefix="api")
        given = request.headers.get("x-tyk-authorization", "").encode("latin-1")  # the bytes as they came
        if not secret or not hmac.compare_digest(given, to_bytes(secret)):
            raise Refused(403, REFUSED)
