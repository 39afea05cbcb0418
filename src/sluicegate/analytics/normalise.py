"""Ids in recorded paths become placeholders, so that paths can be counted (contract 12.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import re2

from sluicegate.errors import ConfigError

if TYPE_CHECKING:
    from sluicegate.settings.telemetry import NormaliseURLs

UUID = re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}")
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.IGNORECASE | re.ASCII)
NUMBER = re.compile(r"/[0-9]+")


def make_normaliser(settings: NormaliseURLs) -> Callable[[str], str] | None:
    """Return what replaces the ids of a path, or None where that is off. Raises ConfigError."""
    if not settings.enabled:
        return None
    replacements: list[Callable[[str], str]] = []
    if settings.normalise_uuids:
        replacements.append(lambda path: UUID.sub("{uuid}", path))
    if settings.normalise_ulids:
        replacements.append(lambda path: ULID.sub("{ulid}", path))
    if settings.normalise_numbers:
        replacements.append(lambda path: NUMBER.sub("/{id}", path))
    replacements += [_custom(pattern) for pattern in settings.custom_patterns]

    def normalise(path: str) -> str:
        for replace in replacements:
            path = replace(path)
        return path

    return normalise if replacements else None


def _custom(pattern: str) -> Callable[[str], str]:
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        where, reason = "analytics_config.normalise_urls.custom_patterns", error.args[0]
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
        raise ConfigError(where, f"{pattern!r} is not an expression: {told}", "see RE2's syntax") from None
    return lambda path: str(compiled.sub("{var}", path))
