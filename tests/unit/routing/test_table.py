"""Which route takes a request: by port, host and path."""

from __future__ import annotations

import pytest
from tests.fakes.routes import PORT, listening_at, make_table

from sluicegate.routing.table import Table


def found(table: Table, path: str, host: str = "any.test", port: int = PORT) -> str:
    """Return the id of the API that takes a request, or ""."""
    route = table.find(host.encode(), path.encode(), port)
    return route.api_id if route is not None else ""


PATHS = make_table(
    listening_at("/app", "app"),
    listening_at("/app/deep/", "deep"),
    listening_at("/apple", "apple"),
    listening_at("/t/{one}/end", "template"),
    listening_at("/t/{id:[0-9]+}/", "number"),
    listening_at("/t/x", "literal"),
)


@pytest.mark.parametrize(
    ("path", "api_id"),
    [
        ("/app", "app"),
        ("/app/x", "app"),
        ("/application", "app"),
        ("/apple", "apple"),
        ("/apples", "apple"),
        ("/app/deep", "app"),
        ("/app/deep/", "deep"),
        ("/%61pp/x", "app"),
        ("/ap", ""),
        ("/x/app", ""),
        ("/APP", ""),
        ("/t/1/end", "template"),
        ("/t/12/x", "number"),
        ("/t/xx", "literal"),
        ("/deep/x", "deep"),
        ("/deep", ""),
    ],
)
def test_the_longest_beginning_wins(path: str, api_id: str) -> None:
    assert found(PATHS, path) == api_id


def test_the_root_takes_the_rest() -> None:
    table = make_table(listening_at("/", "root"), listening_at("/a/", "a"))
    assert [found(table, path) for path in ("/", "/a", "/a/", "/b")] == ["root", "root", "a", "root"]


def test_strict_listen_paths_end_at_a_slash() -> None:
    table = make_table(
        listening_at("/app", "app"), listening_at("/", "root"), http_server_options={"enable_strict_routes": True}
    )
    assert [found(table, path) for path in ("/app", "/app/x", "/apple", "/x")] == ["app", "app", "", "root"]


HOSTS = make_table(
    listening_at("/x/", "any"),
    listening_at("/x/", "shop", domain="shop.test"),
    listening_at("/x/y/", "shop-y", domain="shop.test"),
    listening_at("/x/", "tenant", domain="{tenant}.host.test"),
    listening_at("/x/", "off", domain="off.test", domain_disabled=True),
    listening_at("/z/", "inside", internal=True),
    listening_at("/x/", "port", listen_port=9000),
)


@pytest.mark.parametrize(
    ("host", "path", "api_id"),
    [
        ("shop.test", "/x/1", "shop"),
        ("shop.test:81", "/x/1", "shop"),
        ("shop.test", "/x/y/1", "shop-y"),
        ("SHOP.test", "/x/1", "any"),
        ("a.host.test", "/x/1", "tenant"),
        ("a.b.host.test", "/x/1", "any"),
        ("[::1]:80", "/x/1", "any"),
        ("", "/x/1", "any"),
        ("any.test", "/z/1", ""),
        ("any.test", "/inside/1", ""),
    ],
)
def test_a_host_meets_its_own_apis_first(host: str, path: str, api_id: str) -> None:
    assert found(HOSTS, path, host) == api_id


def test_ports_are_worlds_of_their_own() -> None:
    assert HOSTS.ports == {PORT, 9000}
    assert found(HOSTS, "/x/1", port=9000) == "port"
    assert found(HOSTS, "/x/1", "shop.test", port=9000) == "port"
    assert found(HOSTS, "/x/1", port=9001) == ""


def test_the_hostname_of_the_node_shuts_others_out() -> None:
    table = make_table(listening_at("/x/", "any"), listening_at("/x/", "shop", domain="shop.test"), hostname="gw.test")
    assert [found(table, "/x/", host) for host in ("gw.test:80", "shop.test", "other.test")] == ["any", "shop", ""]


def test_names_for_loops() -> None:
    table = make_table(listening_at("/x/", "one", name="The First! #tag", id="5f"), listening_at("/y/", "two"))
    for name in ("one", "5f", "the-first-", "The-First-"):
        route = table.by_name(name)
        assert route is not None
        assert route.api_id == "one"
    assert table.by_name("nobody") is None


def test_ten_thousand_apis_are_looked_up_like_one() -> None:
    """Only lengths that occur are tried: the number of listen paths plays no part."""
    table = make_table(*[listening_at(f"/api-{number:05}/", f"id{number}") for number in range(100)])
    paths = table._ports[PORT].anywhere
    assert len(paths.lengths) == len({len(path) for path in paths.literal})
    assert found(table, "/api-00042/x") == "id42"
