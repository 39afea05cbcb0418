"""What reading the settings has found: errors, that keep the gateway from starting, and warnings, that do not."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from sluicegate.errors import ConfigError

# A file's name ends before the first number between colons; what stands behind is the setting.
_LINE = re.compile(r":(\d+)(?::|$)")


@dataclass(slots=True)
class Findings:
    """Collected while reading, so that all of them are told at once."""

    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)

    def error(self, where: str, what: str, hint: str = "") -> None:
        self.errors.append(ConfigError(printable(where), printable(what), hint))

    def warn(self, where: str, what: str, hint: str = "") -> None:
        self.warnings.append(ConfigError(printable(where), printable(what), hint))

    def in_order(self) -> Findings:
        """Return the same in the order of the file's lines, and then of what came from elsewhere."""
        return Findings(sorted(self.errors, key=_line_of), sorted(self.warnings, key=_line_of))


def _line_of(finding: ConfigError) -> float:
    found = _LINE.search(finding.where)
    return int(found[1]) if found else math.inf


def printable(text: str) -> str:
    """Return a text that may hold what somebody else wrote, so that it stays one line of a terminal."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)
