"""Which key a call means: the id in the path, read in the light of the query (contract 04.6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sluicegate.admin.envelope import Refused
from sluicegate.admin.node import Node
from sluicegate.admin.query import query_of
from sluicegate.store.tokens import make_token


@dataclass(frozen=True, slots=True)
class KeyAsk:
    """What a call says about the key that it means.

    given:    the id as it stands in the path; may be empty.
    name:     the id to begin with: the token of a user name, or the id as given.
    hashed:   the id is the name in the store.
    org_id, api_id: where to look; may be empty.
    """

    given: str
    name: str
    hashed: bool
    org_id: str
    api_id: str

    @classmethod
    def of(cls, node: Node, request: Request) -> KeyAsk:
        """Return what the request asks for."""
        settings, query = node.settings, query_of(request)
        given = request.path_params.get("keyName", "")
        org_id = query.get("org_id", "")
        name = given
        if query.get("username") == "true" and not settings.disable_key_actions_by_username:
            name = make_token(org_id, given, settings.hash_key_function)
        return cls(given, name, query.get("hashed", "") != "", org_id, query.get("api_id", ""))

    async def try_both(self, node: Node, attempt: Callable[[str], Awaitable[Response]]) -> Response:
        """Return what `attempt` makes of the name, or, where that fails, of the id as it was given: an older format."""
        try:
            return await attempt(self.name)
        except Refused:
            if self.name == self.given or not node.settings.hash_key_function:
                raise
        return await attempt(self.given)
