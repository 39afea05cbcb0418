"""Texts with variables in them: `$tyk_context.path`, `$tyk_meta.tier`, `$secret_env.TOKEN` (contract 09.1).

A definition's texts are compiled to `Template`s at load time; a text without variables costs nothing to render. What a
variable stands for is never searched for variables again, so nothing that a client sends can reach another variable
(Tyk replaces kind by kind, and there a context value may name a metadata variable).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from sluicegate.chain.context_vars import context_value
from sluicegate.errors import ConfigError

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange

VARIABLE = re.compile(r"\$(tyk_context|tyk_meta|secret_conf|secret_env)\.([A-Za-z0-9_\-.]+)")
NOT_SERVED = re.compile(r"\$secret_(vault|consul|file)\.")

Reader = Callable[["Exchange", bool], str]
"""Returns what a variable stands for; True asks for query escaping."""


class Template:
    """A text that is the same for every request but for its variables.

    Raises ConfigError for a variable of a secret store that is not connected: an empty secret would be sent instead.
    """

    __slots__ = ("_parts", "_text", "is_static")

    def __init__(self, text: str) -> None:
        if (unserved := NOT_SERVED.search(text)) is not None:
            raise ConfigError("", f"{unserved[0]}… is not served: no {unserved[1]} store is connected")
        text = VARIABLE.sub(_environment_value, text)
        self._text = text
        self._parts: list[str | Reader] = []
        at = 0
        for found in VARIABLE.finditer(text):
            if found.start() > at:
                self._parts.append(text[at : found.start()])
            self._parts.append(READERS[found[1]](found[2]))
            at = found.end()
        self.is_static = not self._parts
        """Whether it holds no variable that may differ from request to request."""
        if at < len(text):
            self._parts.append(text[at:])

    def render_static(self) -> str:
        """Return the text of a template without variables."""
        assert self.is_static
        return self._text

    def render(self, exchange: Exchange, escape: bool = False) -> str:
        """Return the text with its variables filled in; what is missing is "".

        escape: context and metadata values are escaped for a query, but for those that begin with `http`. Secrets
        never are.
        """
        if self.is_static:
            return self._text
        return "".join([part if isinstance(part, str) else part(exchange, escape) for part in self._parts])


def text_of(value: Any) -> str:
    """Return a context or metadata value as Tyk writes it in a text; "" for what it does not write.

    A tuple is a list of texts that the gateway made itself; a list came from JSON, and its items are query-escaped.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    if isinstance(value, tuple):
        return ",".join(value).removeprefix(",")
    if isinstance(value, list):
        return ",".join(_escaped(text) for one in value if (text := text_of(one)))
    return ""


def _environment_value(found: re.Match[str]) -> str:
    if found[1] != "secret_env":
        return found[0]
    return os.environ.get(f"TYK_SECRET_{found[2].upper()}", "")


def _escaped(text: str) -> str:
    return quote_plus(text, errors="surrogateescape")


def _read_context(name: str) -> Reader:
    def read(exchange: Exchange, escape: bool) -> str:
        text = text_of(context_value(exchange, name))
        return _escaped(text) if escape and not text.startswith("http") else text

    return read


def _read_meta(name: str) -> Reader:
    def read(exchange: Exchange, escape: bool) -> str:
        session = exchange.session
        text = "" if session is None else text_of(session.meta_data.get(name))
        return _escaped(text) if escape and not text.startswith("http") else text

    return read


def _read_configured_secret(name: str) -> Reader:
    def read(exchange: Exchange, escape: bool) -> str:
        return exchange.services.settings.secrets.get(name, "")

    return read


READERS: dict[str, Callable[[str], Reader]] = {
    "tyk_context": _read_context,
    "tyk_meta": _read_meta,
    "secret_conf": _read_configured_secret,
}
