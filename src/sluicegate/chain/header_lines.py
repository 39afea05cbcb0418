"""The fields of an answer that a definition or the settings spell out."""

from __future__ import annotations

from collections.abc import Iterable

from sluicegate.chain.outcome import HeaderLines
from sluicegate.errors import ConfigError
from sluicegate.wire.headers import TOKEN, canonical, passes_on


def header_lines(pairs: Iterable[tuple[str, str]]) -> HeaderLines:
    """Return fields to send; the last of one name counts. Raises ConfigError for what is no name.

    Fields that frame a message or end at the next hop are left out: the listener says what holds.
    """
    lines = {name.encode("utf-8", "replace"): value.encode("utf-8", "replace") for name, value in pairs}
    for name in lines:
        if not TOKEN.fullmatch(name):
            raise ConfigError("", f"`{name.decode()}` is not a header name")
    return tuple({canonical(name): value for name, value in lines.items() if passes_on(name)}.items())
