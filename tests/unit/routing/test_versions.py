"""Which version a request asks for, and what its upstream sees of that."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.exchange import FakeClient, make_services
from tests.fakes.routes import listening_at, make_reloader, make_route

from sluicegate.chain.exchange import Exchange
from sluicegate.chain.outcome import Rejection
from sluicegate.errors import ConfigError
from sluicegate.routing.reload import Reloader
from sluicegate.routing.route import Route
from sluicegate.wire.headers import make_field
from sluicegate.wire.http1_read import RequestHead

PAST, FUTURE = "2001-01-01 00:00", "2199-12-31 23:59"


def asking(route: Route, target: str = "/a/x", **headers: str) -> Exchange:
    request = RequestHead(b"GET", target.encode(), 11)
    request.headers.fields += [make_field(name.encode(), value.encode()) for name, value in headers.items()]
    return Exchange(FakeClient(), request, route, make_services(), request.method)


def versioned(location: str = "header", default: str = "", expires: str = "", **definition: Any) -> Route:
    """Return an API with the versions v1 and v2."""
    return make_route(
        listening_at(
            "/a/",
            "one",
            definition={"location": location, "key": "v", **definition},
            version_data={
                "not_versioned": False,
                "default_version": default,
                "versions": {
                    "v1": {"name": "v1", "override_target": "http://old.test", "expires": expires},
                    "v2": {"name": "v2"},
                },
            },
        )
    )


def chosen(route: Route, target: str = "/a/x", **headers: str) -> str:
    """Return the version that is chosen, or the text of the rejection."""
    exchange = asking(route, target, **headers)
    found = route.choose_version(exchange)
    return found.message if isinstance(found, Rejection) else exchange.version_name


# -- classic versions


def test_by_header() -> None:
    route = versioned()
    assert chosen(route, v="v1") == "v1"
    assert chosen(route, v="v3") == "This API version does not seem to exist"
    assert chosen(route) == "Version information not found"


def test_by_query() -> None:
    route = versioned("url-param")
    assert chosen(route, "/a/x?y=1&v=v2") == "v2"
    assert chosen(route, "/a/x?V=v2") == "Version information not found"


def test_by_path() -> None:
    route = versioned("url", default="v1")
    assert chosen(route, "/a/v2/x") == "v2"
    assert chosen(route, "/a/x") == "This API version does not seem to exist"
    assert chosen(route, "/a/") == "v1", "there is no segment that could be one"


def test_the_default() -> None:
    assert chosen(versioned(default="v2")) == "v2"
    assert chosen(versioned(default="v2"), v="v3") == "This API version does not seem to exist"
    assert chosen(versioned(default="v2", fallback_to_default=True), v="v3") == "v2"


def test_each_has_its_own_target() -> None:
    route = versioned()
    old, new = (route.choose_version(asking(route, v=name)) for name in ("v1", "v2"))
    assert isinstance(old, Route)
    assert isinstance(new, Route)
    assert [one.upstream.targets[0].host for one in (old, new)] == ["old.test", "a.test"]


def test_expiry() -> None:
    assert chosen(versioned(expires=PAST), v="v1").startswith("Api Version has expired")
    route = versioned(expires=FUTURE)
    exchange = asking(route, v="v1")
    assert isinstance(route.choose_version(exchange), Route)
    assert exchange.response_headers == ((b"X-Tyk-Api-Expires", b"Tue, 31 Dec 2199 23:59:00 UTC"),)
    with pytest.raises(ConfigError) as caught:
        versioned(expires="tomorrow")
    assert caught.value.where == "version_data.versions.v1.expires"


def test_an_api_without_versions_may_expire_too() -> None:
    route = make_route(listening_at("/a/", "one", expiration=PAST))
    assert chosen(route).startswith("API has expired")
    assert make_route(listening_at("/a/", "one")).versions is None


@pytest.mark.parametrize(
    ("location", "target", "path", "query"),
    [
        ("url", b"/a/v1/x", b"/x", b""),
        ("url", b"/a/v1", b"/v1", b""),
        ("url-param", b"/a/x?v=v1&y=2", b"/x", b"y=2"),
        ("header", b"/a/x?v=v1", b"/x", b"v=v1"),
    ],
)
def test_what_the_upstream_sees_of_it(location: str, target: bytes, path: bytes, query: bytes) -> None:
    route = versioned(location, strip_versioning_data=True)
    whole, _, asked = target.partition(b"?")
    assert route.without_version(route.stripped(whole), asked, "v1") == (path, query)


def test_a_header_is_stripped() -> None:
    route = versioned(strip_versioning_data=True)
    exchange = asking(route, v="v1", other="1")
    route.choose_version(exchange)
    assert [field.name for field in exchange.headers] == [b"other"]


def test_patterns_say_what_a_version_looks_like() -> None:
    route = versioned("url", strip_versioning_data=True, url_versioning_pattern="^v[0-9]$")
    assert route.unversioned("/v1/x", "v1") == "/x"
    assert route.unversioned("/users/x", "v1") == "/users/x"


# -- versions that are APIs


async def family(**definition: Any) -> tuple[Reloader, Route]:
    """Return a base with the child `second` at v2, in a table."""
    reloader = make_reloader()
    chosen = {
        "enabled": True,
        "name": "v1",
        "location": "header",
        "key": "v",
        "versions": {"v2": "second", "v3": "gone"},
    }
    base = listening_at("/a/", "first", definition=chosen | definition)
    await reloader.load([base, listening_at("/b/", "second", internal=True)], [])
    route = reloader.find("first")
    assert route is not None
    return reloader, route


async def child(route: Route, target: str = "/a/x", **headers: str) -> str:
    exchange = asking(route, target, **headers)
    found = route.choose_version(exchange)
    return found.message if isinstance(found, Rejection) else found.api_id


async def test_children() -> None:
    reloader, route = await family()
    assert await child(route, v="v2") == "second"
    assert await child(route, v="v1") == "first"
    assert await child(route, v="self") == "first"
    assert await child(route, v="v3") == "This API version does not seem to exist"
    assert await child(route, v="v4") == "This API version does not seem to exist"
    assert await child(route) == "Version information not found"
    assert reloader.table.find(b"any.test", b"/b/x", 8080) is None


async def test_the_default_of_children() -> None:
    _, route = await family(default="v2", fallback_to_default=True)
    assert await child(route) == "second"
    assert await child(route, v="v9") == "second"
    _, route = await family(default="self")
    assert await child(route) == "first"
    _, route = await family(default="self", fallback_to_default=True)
    assert await child(route, v="v9") == "first"
    assert await child(route, v="v3") == "first", "one that is not loaded is none"
    for default in ("", "v3", "v8"):
        _, route = await family(default=default, fallback_to_default=True)
        assert await child(route, v="v9") == "Internal Server Error"


async def test_a_child_gets_the_path_of_the_base_stripped() -> None:
    _, route = await family(location="url", strip_versioning_data=True)
    exchange = asking(route, "/a/v2/x?y=1")
    found = route.choose_version(exchange)
    assert isinstance(found, Route)
    assert (exchange.request.path, exchange.request.query) == (b"/x", b"y=1")
