"""Where an OAuth client may be sent, and the address it is sent to (RFC 6749 section 3.1.2, contract 08.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\]")
SAFE_IN_A_FRAGMENT = "$,/:;=?@!()*"


def first_of(registered: str, separator: str) -> str:
    """Return the first address of a client."""
    return registered.split(separator)[0] if separator else registered


def is_allowed(registered: str, wanted: str, separator: str) -> bool:
    """Return whether an address is one of those that a client has registered, or below one."""
    bases = registered.split(separator) if separator else [registered]
    return any(_is_below(base, wanted) for base in bases)


def _is_below(base: str, wanted: str) -> bool:
    """Return whether an address is on the same site as another one, at the same path or below."""
    if not base or not wanted or NOT_IN_A_URL.search(wanted):
        return False
    try:
        has, asks = urlsplit(base), urlsplit(wanted)
        if (has.port, asks.fragment, asks.username) != (asks.port, "", None):
            return False
    except ValueError:
        return False
    if (has.scheme, has.netloc) != (asks.scheme, asks.netloc):
        return False
    if has.path == asks.path:
        return True
    folder = has.path.rstrip("/") + "/"
    return asks.path.startswith(folder) and ".." not in asks.path.replace("%2e", ".").replace("%2E", ".").split("/")


def with_query(address: str, fields: Mapping[str, Any]) -> str:
    """Return an address with the fields of an answer in its query."""
    parts = urlsplit(address)
    said = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **fields}
    return parts._replace(query=urlencode(sorted(said.items())), fragment="").geturl()


def with_fragment(address: str, fields: Mapping[str, Any]) -> str:
    """Return an address with the fields of an answer behind `#`, where no server sees them (section 4.2.2)."""
    said = "&".join(f"{name}={quote(str(value), safe=SAFE_IN_A_FRAGMENT)}" for name, value in sorted(fields.items()))
    return urlsplit(address)._replace(query="", fragment="").geturl() + "#" + said
