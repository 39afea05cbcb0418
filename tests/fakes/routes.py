"""Routes and tables made as the gateway makes them, of definitions that a test writes down; nothing is connected to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.exchange import make_api, make_services

from sluicegate.apidef.api import Api
from sluicegate.routing.build import Builder
from sluicegate.routing.reload import Reloader, stand_in
from sluicegate.routing.route import Route
from sluicegate.routing.table import Table
from sluicegate.settings.model import Settings
from sluicegate.store.certificates import Certificates
from sluicegate.upstream.health import HostHealth
from sluicegate.upstream.target import Target
from sluicegate.upstream.tls import UpstreamTls
from sluicegate.upstream.upstream import UpstreamParts

PORT = 8080


class FakePool:
    """The connections of a target that nobody asks for."""

    in_flight = 0

    def __init__(self, target: Target, settings: Settings) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def make_reloader(settings: Mapping[str, Any] | None = None) -> Reloader:
    """Return a reloader with an empty table."""
    services = make_services({"listen_port": PORT, "enable_custom_domains": True, **(settings or {})})
    reloader = Reloader(services.settings, stand_in("none"), stand_in("control"), lambda *_: None)
    parts = UpstreamParts(UpstreamTls(), Certificates(), HostHealth(), FakePool)
    reloader.builder = Builder(services, parts, reloader.find)
    return reloader


def listening_at(listen_path: str, api_id: str, **fields: Any) -> Api:
    """Return a keyless definition; `checksum` tells its versions apart."""
    proxy = {"listen_path": listen_path, "target_url": "http://a.test", "strip_listen_path": True}
    proxy |= fields.pop("proxy", {})
    api = make_api(api_id=api_id, name=fields.pop("name", api_id), use_keyless=True, proxy=proxy, **fields)
    return Api(api.classic, api.oas, f"{api_id}.json", checksum=repr(api.classic))


def make_route(api: Api, settings: Mapping[str, Any] | None = None, listen_path: str = "") -> Route:
    """Return the route of one definition."""
    builder = make_reloader(settings).builder
    assert builder is not None
    return builder.build(api, listen_path or api.classic.proxy.listen_path)


def make_table(*apis: Api, **settings: Any) -> Table:
    """Return a table of these definitions, each at its own listen path."""
    routes = [make_route(api, settings) for api in apis]
    return Table(
        routes,
        port=PORT,
        hostname=settings.get("hostname", ""),
        nobody=stand_in("none"),
        control=stand_in("control"),
    )
