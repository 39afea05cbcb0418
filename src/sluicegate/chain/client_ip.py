"""Who is calling: the client's address behind proxies (contract 06.9)."""

from __future__ import annotations

import ipaddress

from sluicegate.wire.headers import Headers


def client_ip_of(headers: Headers, peer_ip: str, xff_depth: int) -> str:
    """Return the client's address.

    `X-Real-IP` if it is an address; else the entry of X-Forwarded-For that `xff_depth` names (0: the leftmost, N: the
    Nth from the right; "" if there are fewer); else, or when that is no address, the peer's.
    """
    real = headers.get(b"x-real-ip")
    if real is not None and (ip := _address(real)):
        return ip
    chain = headers.get_all(b"x-forwarded-for")
    if not chain:
        return peer_ip
    entries = b",".join(chain).split(b",")
    if xff_depth > len(entries):
        return ""
    entry = entries[-xff_depth] if xff_depth > 0 else entries[0]
    return _address(entry) or peer_ip


def _address(text: bytes) -> str:
    try:
        return str(ipaddress.ip_address(text.strip().decode("ascii")))
    except ValueError:
        return ""
