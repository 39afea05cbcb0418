"""The access log: one line a request, with Tyk's fields (contract 12.2). Asked for by `access_logs.enabled`.

Lines are formed in batches, off the road, and look like those of `log`: text or JSON. `access_logs.template` names the
fields to keep. With `track_404_logs` a request that no API took is an error line instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from sluicegate import log
from sluicegate.analytics.capture import text_of, writable
from sluicegate.analytics.record import NO_KEY_HASH

if TYPE_CHECKING:
    from sluicegate.analytics.capture import Capture, Reader
    from sluicegate.settings.model import Settings
    from sluicegate.upstream.target import Target

ALWAYS: Final = frozenset(("prefix", "api_id", "api_name", "org_id", "type", "level", "message", "time"))
"""Fields that a template cannot take out."""

HTML: Final = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))
"""What Go's encoder escapes in JSON."""

REMEMBERED_VALUES: Final = 4096
REMEMBERED_CHARACTERS: Final = 256

NO_ROUTE: Final = "NRH"
"""The flag of a request that no API took."""

PROXY: Final = "ReverseProxy"
"""What the source of an error is called that no middleware found."""


class AccessLog:
    """Forms the lines."""

    def __init__(self, settings: Settings, reader: Reader) -> None:
        self._reader = reader
        self.is_on = settings.access_logs.enabled and log.LEVELS.get(settings.log_level.lower(), log.INFO) <= log.INFO
        self.logs_missing_routes = settings.track_404_logs
        self._quoted = Quoted()
        self._is_json = settings.log_format == "json"
        self._hash_keys = settings.hash_keys
        self._kept = ALWAYS | frozenset(settings.access_logs.template) if settings.access_logs.template else None

    def line(self, captured: Capture) -> bytes:
        """Return the line of a request, or nothing when it shall have none (contract 09.16)."""
        *_, is_tracked, _, _, rejection, _, _, upstream_status, cut = captured
        if rejection is not None and not (is_tracked and self._reader.api(captured[0]).is_tracked):
            return b""
        fields = self._fields(captured)
        if rejection is not None or cut or upstream_status >= 500:
            fields |= _error_fields(captured, fields["client_ip"])
            fields = {name: fields[name] for name in sorted(fields)}
        kept = self._kept
        if kept is not None:
            fields = {name: value for name, value in fields.items() if name in kept}
        return _json(fields) if self._is_json else self._text(fields)

    def _text(self, fields: dict[str, Any]) -> bytes:
        quoted = self._quoted
        time = quoted[fields.pop("time")]
        del fields["level"], fields["message"]
        parts = [f"{name}={quoted[value]}" for name, value in fields.items()]
        return f"time={time} level=info {' '.join(parts)}\n".encode()

    def missing_route_line(self, captured: Capture) -> bytes:
        """Return the line of a request that no API took; nothing for one to the admin API."""
        _, request, _, _, peer_ip, peer_port, _, started_s, *_, rejection, _, _, _, _ = captured
        if rejection is None or rejection.flag != NO_ROUTE:
            return b""
        head = self._reader.head(request)
        fields = {
            "host": head.host,
            "origin": f"{peer_ip}:{peer_port}",
            "request": f"{head.method} {head.path} {head.protocol}",
        }
        return log.line(log.ERROR, "Not Found", fields, started_s)

    def _fields(self, captured: Capture) -> dict[str, Any]:
        """Return the fields that every line has, sorted by name."""
        route, request, _, url, peer_ip, peer_port, status, started_s, total_s, upstream_s, key, *_ = captured
        *_, rejection, _, target, _, _ = captured
        reader = self._reader
        api, head = reader.api(route), reader.head(request)
        path = reader.path(head, request, route, url, target is not None)
        total_ms, upstream_ms = int(total_s * 1000), int(upstream_s * 1000) if rejection is None else 0
        return {
            "api_id": api.api_id,
            "api_key": (writable(key) or NO_KEY_HASH) if self._hash_keys else log.show_key(writable(key)),
            "api_name": api.api_name,
            "api_type": api.api_type,
            "client_ip": reader.client_ip(request, peer_ip) if head.is_proxied else peer_ip,
            "host": head.host,
            "latency_gateway": total_ms - upstream_ms,
            "latency_total": total_ms,
            "level": "info",
            "message": "",
            "method": head.method,
            "org_id": api.org_id,
            "original_path": head.original,
            "path": path,
            "prefix": "access-log",
            "protocol": head.protocol,
            "remote_addr": f"{peer_ip}:{peer_port}",
            "status": status,
            "time": log.timestamp(started_s + total_s),
            "type": "request",
            "upstream_addr": path if target is None or rejection is not None else _address(target, path),
            "upstream_latency": upstream_ms,
            "user_agent": head.user_agent,
        }


def _json(fields: dict[str, Any]) -> bytes:
    text = msgspec.json.encode(fields)
    for mark, escape in HTML:
        if mark in text:
            text = text.replace(mark, escape)
    return text + b"\n"


class Quoted(dict[Any, str]):
    """Values as they stand in a line of text; those seen lately are remembered."""

    def __missing__(self, value: Any) -> str:
        text = log.quote(value) if isinstance(value, str) else str(value)
        if len(self) >= REMEMBERED_VALUES:
            self.clear()
        if len(text) <= REMEMBERED_CHARACTERS:
            self[value] = text
        return text


def _address(target: Target, path: str) -> str:
    """Return scheme, host and path of what was asked."""
    return f"{target.scheme}://{text_of(target.host_header)}{text_of(target.path_prefix).rstrip('/')}{path}"


def _error_fields(captured: Capture, client_ip: str) -> dict[str, Any]:
    """Return what a line says more when something went wrong."""
    *_, rejection, source, target, upstream_status, cut = captured
    fields: dict[str, Any] = {}
    flag = ""
    if rejection is not None:
        flag = rejection.flag
        fields["response_code_details"] = rejection.code
        if source:
            fields["mw"], fields["origin"] = source, client_ip
    elif upstream_status >= 500:
        flag = "URS"
    if cut is True:
        flag = "CDC"
        fields["response_code_details"] = "client_disconnected"
    elif cut:
        flag = cut.value
    if target is not None and not source:
        source = PROXY
        fields["error_target"] = target.key
    fields |= {"error_source": source} if source else {}
    fields |= {"response_flag": flag} if flag else {}
    fields |= {"upstream_status": upstream_status} if upstream_status else {}
    fields |= {"circuit_breaker_state": "OPEN"} if flag == "CBO" else {}
    return fields
