"""The gateway's own addresses in the `servers` of an OAS document (contract 04.5): first, and the old ones gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sluicegate.apidef.classic import APIDefinition
    from sluicegate.settings.model import Settings

ANY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104  compared with, never bound
DEFAULT_PORTS = {"http": 80, "https": 443}


def own_servers(definition: APIDefinition, settings: Settings) -> list[str]:
    """Return where clients reach the API: its domain, or the gateway's address and the bare path."""
    scheme = "https" if settings.http_server_options.use_ssl else "http"
    path = "/" + definition.proxy.listen_path.strip("/")
    if definition.domain and not definition.domain_disabled:
        return [f"{scheme}://{definition.domain}{path}"]
    host = settings.listen_address
    if host in ANY_ADDRESS:
        host = settings.hostname or "localhost"
    port = definition.listen_port or settings.listen_port
    authority = host if DEFAULT_PORTS[scheme] == port else f"{host}:{port}"
    return [f"{scheme}://{authority}{path}", path]


def with_own_servers(document: dict[str, Any], own: list[str], before: list[str]) -> dict[str, Any]:
    """Return the document with these addresses in front, without those it had `before`, and all others as given."""
    given = document.get("servers") or []
    ours = {*own, *before}
    others = [server for server in given if not (isinstance(server, dict) and server.get("url") in ours)]
    return {**document, "servers": [*({"url": url} for url in own), *others]}


def retained(old: list[Any], new: list[Any]) -> list[Any]:
    """Return the new servers after those of the old ones that they don't name."""
    named = {server.get("url") for server in new if isinstance(server, dict)}
    return [*(server for server in old if isinstance(server, dict) and server.get("url") not in named), *new]
