"""Templates of error bodies: as much of Go's templates as error pages use (contract 06.6).

A template is text with `{{.Message}}` in it, and in overrides `{{.StatusCode}}`. As in Tyk, any other field ends the
body where it stands. Other actions (`if`, `range`, functions) are refused at load.
"""

from __future__ import annotations

import re
from html import escape

from sluicegate.errors import ConfigError

MESSAGE, STATUS = "Message", "StatusCode"

# An action eats the blanks before `{{-` and after `-}}`.
ACTION = re.compile(
    r"(?:\s*\{\{-\s|\{\{\s*)(?:/\*.*?\*/|\.([A-Za-z_][A-Za-z0-9_]*)|(.*?))(?:\s-\}\}\s*|\s*\}\})", re.DOTALL
)


class ErrorTemplate:
    """A template, compiled. `where` is its file, for errors. Raises ConfigError."""

    __slots__ = ("_parts",)

    def __init__(self, text: str, where: str, fields: tuple[str, ...] = (MESSAGE,)) -> None:
        self._parts: list[tuple[str, str]] = []
        at = 0
        for found in ACTION.finditer(text):
            literal, field, other = text[at : found.start()], found[1], found[2]
            if other is not None:
                raise ConfigError(where, f"{{{{{other}}}}} is not served in error templates", "use {{.Message}}")
            self._parts.append((literal, field if field in fields else ""))
            at = found.end()
            if field is not None and field not in fields:
                return
        self._parts.append((text[at:], ""))

    def render(self, message: str, status: int) -> bytes:
        """Return the body; the message is put in as it is."""
        values = {MESSAGE: message, STATUS: str(status), "": ""}
        return "".join([literal + values[field] for literal, field in self._parts]).encode("utf-8", "replace")


def js_escaped(text: str) -> str:
    r"""Return a text as Go's JSEscapeString writes it: `<` as `\u003C`, `'` as `\'`, which JSON does not know."""
    return JS_SPECIAL.sub(_js_escape, text)


JS_SPECIAL = re.compile(r"[\x00-\x1f\\'\"<>&=]|[^\x00-\x7f]")


def _js_escape(found: re.Match[str]) -> str:
    one = found[0]
    if one in "\\'\"":
        return "\\" + one
    return one if ord(one) > 0x7F and one.isprintable() else f"\\u{ord(one):04X}"


def xml_escaped(text: str) -> str:
    """Return a text that may stand in an XML element. Tyk puts it in raw."""
    return escape(text, quote=False)
