"""Makes the request's context variables, for templates, triggers and plugins to use (contract 09.2).

Asked for by `enable_context_vars`. The values are worked out when they are asked for (`chain.context_vars`); only the
body of a form has to be read here, since its fields are variables too.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Self

from sluicegate.chain.context_vars import RequestContext
from sluicegate.chain.middleware import Middleware
from sluicegate.chain.outcome import Step
from sluicegate.errors import BadMessage

if TYPE_CHECKING:
    from sluicegate.apidef.api import Api
    from sluicegate.apidef.classic import VersionInfo
    from sluicegate.chain.exchange import Exchange
    from sluicegate.chain.services import Services

FORM_METHODS = frozenset((b"POST", b"PUT", b"PATCH"))
FORM_TYPE = b"application/x-www-form-urlencoded"
FORM_LIMIT_BYTES = 10 << 20
"""As long a form as Go reads; a longer one is passed on unread."""


class ContextVars(Middleware):
    """Sets `exchange.context`."""

    name = "MiddlewareContextVars"

    @classmethod
    def from_definition(cls, api: Api, version: VersionInfo, services: Services) -> Self | None:
        """Return the step when the API asks for context variables."""
        return cls() if api.classic.enable_context_vars else None

    def on_request(self, exchange: Exchange) -> Step:
        """Start a new context; wait for the body when it is a form."""
        request = exchange.request
        exchange.context = RequestContext(request.headers.fields)
        if request.has_body and request.method in FORM_METHODS and _is_readable_form(exchange):
            return _read_form(exchange, exchange.context)
        return None


def _is_readable_form(exchange: Exchange) -> bool:
    length = exchange.request.content_length
    return exchange.request.headers.get(b"content-type") == FORM_TYPE and (length or 0) <= FORM_LIMIT_BYTES


async def _read_form(exchange: Exchange, context: RequestContext) -> None:
    with contextlib.suppress(BadMessage):  # one that did not say how long it is: what was read of it goes on, too
        context.form = await exchange.read_body(FORM_LIMIT_BYTES)
