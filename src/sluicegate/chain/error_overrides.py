"""Rules that give an error another status, text or body: `error_overrides` (contract 06.6).

They stand in the settings and in definitions, by status (`"503"`) or class of statuses (`"5xx"`). Of those for the
exact status, then those for its class, the first that matches counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sluicegate.apidef import gojson
from sluicegate.apidef.classic import ErrorOverride, ErrorResponse
from sluicegate.apidef.pattern import Pattern, compile_pattern
from sluicegate.chain.error_template import MESSAGE, STATUS, ErrorTemplate
from sluicegate.chain.header_lines import header_lines
from sluicegate.chain.json_field import field_of, steps_of
from sluicegate.errors import ConfigError

ONE_STATUS = re.compile(r"[1-9][0-9]{2}")
STATUS_CLASS = re.compile(r"[1-9]xx")
LOOKED_AT = 4096
"""So much of an error's text is searched for a pattern, in characters."""


class Rule:
    """One rule, compiled. With no condition it always matches; with several, one that holds is enough.

    reads_body: whether it can only be asked of an error whose text is known.
    body:       the text that takes the error's place: as it is, or a template; None when the rule has none.
    headers:    the fields that it sets, without those that frame a message or end at the next hop.
    """

    __slots__ = (
        "_field",
        "_flag",
        "_is_conditional",
        "_pattern",
        "_value",
        "body",
        "headers",
        "reads_body",
        "response",
    )

    def __init__(self, override: ErrorOverride, where: str) -> None:
        match = override.match
        self.response: ErrorResponse = override.response
        self._flag = match.flag if match else ""
        pattern = match.message_pattern if match else ""
        self._pattern: Pattern | None = compile_pattern(pattern) if pattern else None
        self._field = steps_of(match.body_field) if match and match.body_field and match.body_value else ()
        self._value = match.body_value if match else ""
        self.reads_body = bool(self._field or self._pattern)
        self._is_conditional = bool(self._flag) or self.reads_body
        self.body: bytes | ErrorTemplate | None = _body_of(self.response.body, where)
        if self.response.status_code and not 200 <= self.response.status_code <= 999:
            raise ConfigError(where, f"status_code: {self.response.status_code} is not the status of a final answer")
        try:
            self.headers = header_lines(self.response.headers.items())
        except ConfigError as error:
            raise ConfigError(where, f"headers: {error.what}") from None

    def matches(self, flag: str, text: str) -> bool:
        """Return whether the rule is for an error of this flag and text. What is no JSON has no `body_field`."""
        if not self._is_conditional or (self._flag and self._flag == flag):
            return True
        if self._pattern is not None and self._pattern.found(text[:LOOKED_AT]):
            return True
        return bool(self._field) and field_of(text, self._field) == self._value


class Overrides:
    """The rules of the settings or of one definition. It is false when there are none. Raises ConfigError."""

    __slots__ = ("_rules",)

    def __init__(self, rules: Mapping[str, Sequence[ErrorOverride]], where: str) -> None:
        self._rules: dict[str, list[Rule]] = {}
        for statuses, overrides in rules.items():
            place = f"{where}: {statuses}"
            if not ONE_STATUS.fullmatch(statuses) and not STATUS_CLASS.fullmatch(statuses):
                raise ConfigError(place, "is neither a status nor a class of statuses", 'such as "503" or "5xx"')
            try:
                self._rules[statuses] = [Rule(one, place) for one in overrides]
            except ConfigError as error:
                raise ConfigError(place, error.what, error.hint) from None

    @classmethod
    def of_settings(cls, tree: Mapping[str, Any]) -> Overrides:
        """Return the rules of the settings, where they stand as they were read."""
        where = "error_overrides"
        return cls(
            {key: [gojson.convert(one, ErrorOverride, where) for one in rules] for key, rules in tree.items()}, where
        )

    def __bool__(self) -> bool:
        return bool(self._rules)

    def rules_for(self, status: int) -> Iterator[Rule]:
        """Return the rules for a status, in the order they count."""
        yield from self._rules.get(str(status), ())
        yield from self._rules.get(f"{status // 100}xx", ())


def _body_of(text: str, where: str) -> bytes | ErrorTemplate | None:
    if "{{." in text:
        return ErrorTemplate(text, f"{where}: body", (MESSAGE, STATUS))
    return text.encode("utf-8", "replace") if text else None
