"""What is known of a request under the names of Tyk's context variables (contract 09.2).

Nothing is worked out before somebody asks for it by name: most APIs that have context variables use one or two of them.
The `ContextVars` middleware makes a `RequestContext`; those who learn more later put it in by name
(`jwt_claims_sub`, `trigger-0-X-Tier-0`).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_to_bytes

from sluicegate.wire.headers import Field

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange

FORM_FIELDS_LIMIT = 10_000

COUNTERS = {
    "quota_limit": ("quota", 0),
    "quota_remaining": ("quota", 1),
    "quota_reset": ("quota", 2),
    "rate_limit_limit": ("rate", 0),
    "rate_limit_remaining": ("rate", 1),
    "rate_limit_reset": ("rate", 2),
}


class RequestContext(dict[str, Any]):
    """Values by name; those that describe the request are put in when they are first asked for.

    fields: the request's header fields as they were when the context was made, before credentials were taken out.
    form:   body of a form, to be read as parameters before those of the query.
    """

    __slots__ = ("fields", "form", "parameters")

    def __init__(self, fields: list[Field], form: bytes = b"") -> None:
        super().__init__()
        self.fields, self.form = fields, form
        self.parameters: dict[str, list[str]] | None = None

    def find(self, exchange: Exchange, name: str) -> Any:
        """Return the value of a name that is not in yet, or None."""
        if name.startswith("headers_"):
            value: Any = self._header(exchange, name[8:])
        elif name.startswith("cookies_"):
            value = self._cookie(name[8:])
        elif name.startswith("request_data"):
            value = self._parameter(exchange, name[13:])
        elif name in COUNTERS:
            return _counter(exchange, name)  # may still change: not kept
        elif name == "token":
            return exchange.token or None
        else:
            value = _own_value(exchange, name)
        if value is not None:
            self[name] = value
        return value

    def _header(self, exchange: Exchange, name: str) -> str | None:
        if name == "Host":
            return _text(exchange.request.host)
        wanted = name.encode("utf-8", "surrogateescape")
        for field in self.fields:
            if len(field.name) == len(wanted) and _canonical_name(field).replace(b"-", b"_") == wanted:
                return _text(field.value)
        return None

    def _cookie(self, name: str) -> str | None:
        found = None
        for field in self.fields:
            if field.name == b"cookie":
                for pair in _text(field.value).split(";"):
                    key, _, value = pair.strip(" \t").partition("=")
                    if key.replace("-", "_") == name:
                        found = value.removeprefix('"').removesuffix('"') if value[:1] == '"' else value
        return found

    def _parameter(self, exchange: Exchange, name: str) -> str | None:
        parameters = self.parameters
        if parameters is None:
            parameters = self.parameters = _parameters(self.form)
            for key, values in _parameters(exchange.request.query).items():
                parameters.setdefault(key, []).extend(values)
        if not name:
            return ";".join(f"{key}:{','.join(values)}" for key, values in parameters.items())
        for key, values in parameters.items():
            if key.replace("-", "_") == name:
                return values[0]
        return None


def context_value(exchange: Exchange, name: str) -> Any:
    """Return the value of a context variable, or None."""
    context = exchange.context
    if context is None:
        return None
    value = context.get(name)
    if value is None and isinstance(context, RequestContext):
        value = context.find(exchange, name)
    return value


def _own_value(exchange: Exchange, name: str) -> Any:
    if name == "path":
        return _path(exchange)
    if name == "path_parts":
        return tuple(_path(exchange).split("/"))
    if name == "remote_addr":
        return exchange.client_ip
    if name == "request_id":
        return str(uuid.uuid4())
    return None


def _counter(exchange: Exchange, name: str) -> int | None:
    attribute, at = COUNTERS[name]
    counters: tuple[int, int, int] | None = getattr(exchange, attribute)
    return None if counters is None else counters[at]


def _path(exchange: Exchange) -> str:
    path = exchange.request.path
    return _text(unquote_to_bytes(path) if b"%" in path else path)


def _canonical_name(field: Field) -> bytes:
    return field.line[: len(field.name)]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _parameters(query: bytes) -> dict[str, list[str]]:
    """Return the parameters of a query or form; none when there are absurdly many."""
    try:
        return parse_qs(
            _text(query), keep_blank_values=True, errors="surrogateescape", max_num_fields=FORM_FIELDS_LIMIT
        )
    except ValueError:
        return {}
