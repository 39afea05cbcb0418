"""What reading the settings has found: errors, that keep the gateway from starting, and warnings, that do not."""

from __future__ import annotations

from dataclasses import dataclass, field

from sluicegate.errors import ConfigError


@dataclass(slots=True)
class Findings:
    """Collected while reading, so that all of them are told at once."""

    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)

    def error(self, where: str, what: str, hint: str = "") -> None:
        self.errors.append(ConfigError(printable(where), printable(what), hint))

    def warn(self, where: str, what: str, hint: str = "") -> None:
        self.warnings.append(ConfigError(printable(where), printable(what), hint))


def printable(text: str) -> str:
    """Return a text that may hold what somebody else wrote, so that it stays one line of a terminal."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)
