"""Changes to headers that a definition asks for: names to take out, fields to put in (contract 09.4).

A name that is put in takes the place of all fields of that name. Fields without variables are made at load time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sluicegate.chain.variables import Template
from sluicegate.errors import ConfigError
from sluicegate.wire.headers import CONTROLS_TO_BLANK, TOKEN, Field, Headers, make_field, passes_on

if TYPE_CHECKING:
    from sluicegate.chain.exchange import Exchange


class HeaderEdits:
    """What is taken out and put in, compiled. Raises ConfigError for a name that is none.

    where: the field of the definition, for errors.

    Fields that say how a message is framed, or that end at the next hop, are not the definition's to put in: as in Tyk,
    such an entry changes nothing.
    """

    __slots__ = ("_dynamic", "_gone", "_static", "removes_forwarded_for")

    def __init__(self, remove: Iterable[str], add: Mapping[str, str], where: str) -> None:
        removed = {name.strip().lower().encode("utf-8", "surrogateescape") for name in remove}
        named = {_checked(name, where): Template(value) for name, value in add.items()}
        own = {name: value for name, value in named.items() if passes_on(name)}
        self.removes_forwarded_for = b"x-forwarded-for" in removed
        self._gone = frozenset((*removed, *(name.lower() for name in own)))
        self._static = [make_field(name, _bytes(one.render_static())) for name, one in own.items() if one.is_static]
        self._dynamic = tuple((make_field(name, b""), one) for name, one in own.items() if not one.is_static)

    def __bool__(self) -> bool:
        return bool(self._gone)

    def apply(self, headers: Headers, exchange: Exchange) -> None:
        """Change headers in place."""
        gone = self._gone
        fields = [field for field in headers.fields if field.name not in gone]
        fields += self._static
        for empty, template in self._dynamic:
            value = _bytes(template.render(exchange)).translate(CONTROLS_TO_BLANK).strip()
            fields.append(Field(empty.name, value, b"%b%b\r\n" % (empty.line[:-2], value), empty.role))
        headers.fields = fields


NO_EDITS = HeaderEdits((), {}, "")


def _checked(name: str, where: str) -> bytes:
    raw = name.encode("utf-8", "surrogateescape")
    if not TOKEN.fullmatch(raw):
        raise ConfigError(
            where, f"`{name}` is not a header name", "RFC 9110 section 5.1: letters, digits and !#$%&'*+-.^_`|~"
        )
    return raw


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
