"""Exchanges without a gateway around them: what a test of a middleware starts from.

The definition, settings, headers and chain objects are the real ones; the client, the route and the store are not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from sluicegate.apidef.api import Api
from sluicegate.apidef.classic import APIDefinition, VersionInfo
from sluicegate.apidef.policy import PolicyBook
from sluicegate.apidef.session import Session
from sluicegate.chain.exchange import Exchange
from sluicegate.chain.services import Services
from sluicegate.settings.model import Settings
from sluicegate.wire.headers import Headers, make_field
from sluicegate.wire.http1_read import RequestHead


class FakeClient:
    """The connection of a test."""

    peer_port = 40000

    certificates: tuple[bytes, ...] = ()

    def __init__(self, peer_ip: str = "127.0.0.1", body: bytes = b"", is_tls: bool = False) -> None:
        self.peer_ip, self.body, self.is_tls = peer_ip, body, is_tls

    async def read_body(self, limit_bytes: int) -> bytes:
        return self.body


class FakeRoute:
    """A route with its listen path, and of a path with its version the version."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.api_id, self.org_id, self.name = api.api_id, api.classic.org_id, api.classic.name
        self.listen_path = api.classic.proxy.listen_path or "/"
        self.upstream: Any = None

    def relative(self, text: str) -> str:
        return "/" + text.removeprefix(self.listen_path).lstrip("/")

    def unversioned(self, relative: str, version_name: str) -> str:
        if self.api.classic.definition.location != "url" or not version_name:
            return relative
        return "/" + relative.removeprefix(f"/{version_name}").lstrip("/")


def settings_of(tree: Mapping[str, Any] | None = None) -> Settings:
    """Return settings with some of them set: `{"http_server_options": {"xff_depth": 1}}`."""
    return msgspec.convert(tree or {}, Settings)


def session_of(**fields: Any) -> Session:
    """Return a session from what its JSON would hold."""
    return msgspec.convert(fields, Session)


def make_services(
    settings: Mapping[str, Any] | Settings | None = None,
    keys: Any = None,
    limiter: Any = None,
    cache: Any = None,
    policies: PolicyBook | None = None,
    oauth: Any = None,
) -> Services:
    """Return services; parts that a test does not name are not there."""
    logged: list[tuple[str, str, dict[str, Any]]] = []

    def log(level: str, message: str, **fields: Any) -> None:
        logged.append((level, message, fields))

    return Services(
        settings=settings if isinstance(settings, Settings) else settings_of(settings),
        keys=keys,
        policies=policies if policies is not None else PolicyBook(),
        limiter=limiter,
        cache=cache,
        oauth=oauth,
        log=log,
    )


def make_version(**fields: Any) -> VersionInfo:
    """Return a version with extended paths in use."""
    return msgspec.convert({"use_extended_paths": True, **fields}, VersionInfo)


def make_api(oas: dict[str, Any] | None = None, **fields: Any) -> Api:
    """Return a definition from what its JSON would hold; it is not versioned unless that says so."""
    versions = {"not_versioned": True, "versions": {"Default": {}}}
    tree = {"api_id": "a1", "org_id": "default", "name": "One", "version_data": versions, **fields}
    return Api(msgspec.convert(tree, APIDefinition), oas, "test")


def make_exchange(
    target: str = "/",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    *,
    body: bytes = b"",
    peer_ip: str = "127.0.0.1",
    api: Api | None = None,
    services: Services | None = None,
    session: Session | None = None,
    version_name: str = "",
) -> Exchange:
    """Return an exchange that has just been read.

    target: path and query; what may not stand in a URL is escaped.
    """
    request = RequestHead(method.encode(), quote(target, safe="/?&=%;+~").encode(), 11)
    request.headers = Headers([make_field(name.encode(), value.encode()) for name, value in (headers or {}).items()])
    request.content_length, request.has_length, request.has_body = len(body), bool(body), bool(body)
    request.host = b"gateway.test"
    api = api if api is not None else make_api()
    exchange = Exchange(FakeClient(peer_ip, body), request, FakeRoute(api), services or make_services(), request.method)  # type: ignore[arg-type]
    exchange.session = session
    exchange.version_name = version_name
    return exchange


async def outcome_of(step: Any) -> Any:
    """Return what a step decides, waiting for it where it has to wait."""
    return await step if isinstance(step, Awaitable) else step
