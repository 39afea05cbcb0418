"""TYK_REDIS_URL: all of a single Redis in one text, as hosting services hand it out.

redis://user:password@host:port/database; `rediss` speaks TLS. User, password and database may be percent-encoded.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

SCHEMES = {"redis": False, "rediss": True}


def read_redis_url(text: str) -> dict[str, Any]:
    """Return values by the path of their setting. Raises ValueError; its text does not show the URL, a secret."""
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError("expected redis://user:password@host:port/database")
    if parts.query or parts.fragment:
        raise ValueError("nothing may follow the number of the database")
    values: dict[str, Any] = {"storage.host": parts.hostname}
    values["storage.port"] = _port(parts.netloc.rpartition("@")[2])
    values["storage.use_ssl"] = SCHEMES[parts.scheme]
    values["storage.username"] = unquote(parts.username or "")
    values["storage.password"] = unquote(parts.password or "")
    values["storage.database"] = _number(parts.path.removeprefix("/"), "database")
    return values


def _port(address: str) -> int:
    port = "" if address.endswith("]") else address.rpartition(":")[2] if ":" in address else ""
    number = _number(port, "port") if port else 6379
    if not 0 < number < 65536:
        raise ValueError("the port is not a number from 1 to 65535")
    return number


def _number(text: str, what: str) -> int:
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ValueError(f"the {what} is not a number")
    return int(text)
