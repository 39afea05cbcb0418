"""The access log: one line a request, with Tyk's fields (contract 12.2). Asked for by `access_logs.enabled`.

Lines are formed in batches, off the road, and look like those of `log`: text or JSON. `access_logs.template` names the
fields to keep. With `track_404_logs` a request that no API took is an error line instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from sluicegate import log
from sluicegate.analytics.capture import CLIENT_GONE, text_of, writable
from sluicegate.analytics.record import NO_KEY_HASH
from sluicegate.errors import FAULT_CODES

if TYPE_CHECKING:
    from sluicegate.analytics.capture import Capture, Reader
    from sluicegate.chain.outcome import Rejection
    from sluicegate.errors import UpstreamFault
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

BREAKER_OPEN: Final = "CBO"
OF_PROXY: Final = frozenset((BREAKER_OPEN, "NHU"))
"""Flags of errors that are the proxy's too, in Tyk's terms: it is the one that looks at breakers and targets."""

UPSTREAM_ERROR: Final = {
    "error_source": "Upstream",
    "response_code_details": "upstream_response_5xx",
    "response_flag": "URS",
}
"""What stands in the line of an error that the upstream itself has answered with."""

DISCONNECTED: Final = {"response_code_details": "client_disconnected", "response_flag": "CDC"}


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
            fields |= _error_fields(captured, fields["client_ip"], self._reader.api(captured[0]).target_host)
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
        is_proxied = target is not None and rejection is None and status != CLIENT_GONE
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
            "upstream_addr": _address(target, path) if is_proxied else path,
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


def _error_fields(captured: Capture, client_ip: str, target_host: str) -> dict[str, Any]:
    """Return what a line says more when something went wrong: why, and who found it."""
    *_, rejection, source, target, upstream_status, cut = captured
    fields: dict[str, Any] = {"upstream_status": upstream_status}
    if (rejection is not None and rejection.flag in OF_PROXY) or (target is not None and not source):
        fields |= {"error_source": PROXY, "error_target": target_host if target is None else target.key}
    elif source:
        fields |= {"error_source": source, "mw": source, "origin": client_ip}
    fields |= _why(rejection, cut)
    return {name: value for name, value in fields.items() if value}


def _why(rejection: Rejection | None, cut: bool | UpstreamFault) -> dict[str, str]:
    if cut is True:
        return DISCONNECTED
    if cut:
        return {"response_code_details": FAULT_CODES[cut], "response_flag": cut.value}
    if rejection is None:
        return UPSTREAM_ERROR
    state = "OPEN" if rejection.flag == BREAKER_OPEN else ""
    return {
        "response_code_details": rejection.code,
        "response_flag": rejection.flag,
        "circuit_breaker_state": state,
    }
