"""Reloads: what changed is built, what is refused stays as it was, and nothing is ever worse than before."""

from __future__ import annotations

import dataclasses
import random
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace
from tests.fakes.routes import PORT, FakePool, listening_at, make_reloader, make_route

from sluicegate.apidef.api import Api
from sluicegate.errors import ConfigError
from sluicegate.routing.reload import Anew, Reloader, changed, stand_in
from sluicegate.routing.route import Route
from sluicegate.routing.table import Table


def broken(api_id: str) -> Api:
    """Return a definition that cannot be built."""
    return listening_at("/b/", api_id, proxy={"target_url": "ftp://a.test"})


def pool_of(reloader: Reloader, api_id: str) -> FakePool:
    route = reloader.find(api_id)
    assert route is not None
    pool = route.upstream.targets[0].pool
    assert isinstance(pool, FakePool)
    return pool


async def test_what_has_not_changed_is_kept() -> None:
    reloader = make_reloader()
    report = await reloader.load([listening_at("/a/", "one"), listening_at("/b/", "two")], [])
    assert (report.loaded, report.built, reloader.table.generation) == (2, 2, 1)
    one, pool = reloader.find("one"), pool_of(reloader, "two")
    report = await reloader.load([listening_at("/a/", "one"), listening_at("/c/", "two")], [])
    assert (report.loaded, report.built, reloader.table.generation) == (2, 1, 2)
    assert reloader.find("one") is one
    assert pool.is_closed


async def test_what_is_gone_is_closed() -> None:
    reloader = make_reloader()
    await reloader.load([listening_at("/a/", "one")], [])
    pool = pool_of(reloader, "one")
    await reloader.load([], [])
    assert (reloader.table.routes, pool.is_closed) == ((), True)


async def test_one_that_is_refused_hurts_no_other() -> None:
    reloader = make_reloader()
    report = await reloader.load([broken("bad"), listening_at("/a/", "one")], [])
    assert (report.loaded, [error.where for error in report.refused]) == (1, ["bad.json: proxy.target_url"])


@pytest.mark.parametrize(
    ("not_versioned", "names", "why"),
    [
        (True, [], "No default API version for this non-versioned API found; have only one, or one named Default"),
        (True, ["v1", "v2"], "No default API version for this non-versioned API found; have only one"),
        (True, ["Default", "default"], "Ambiguous default API version"),
        (False, [], "there is none"),
        (True, ["v1"], ""),
        (True, ["v1", "Default"], ""),
        (False, ["v1"], ""),
    ],
)
async def test_an_api_that_nobody_can_use_is_told(not_versioned: bool, names: list[str], why: str) -> None:
    versions = {"not_versioned": not_versioned, "versions": {name: {"name": name} for name in names}}
    report = await make_reloader().load([listening_at("/a/", "one", version_data=versions)], [])
    told = [notice.partition(": every request is refused: ") for notice in report.notices]
    assert report.loaded == 1
    assert [(place, text.startswith(why)) for place, _, text in told] == (
        [("one.json: version_data.versions", True)] if why else []
    )


async def test_one_that_is_refused_keeps_what_it_had() -> None:
    reloader = make_reloader()
    await reloader.load([listening_at("/b/", "one")], [])
    served, pool = reloader.find("one"), pool_of(reloader, "one")
    report = await reloader.load([broken("one")], [])
    assert (report.kept, reloader.find("one"), pool.is_closed) == (["one"], served, False)


async def test_a_file_that_cannot_be_read_keeps_what_it_had() -> None:
    reloader = make_reloader()
    await reloader.load([listening_at("/b/", "one")], [])
    served = reloader.find("one")
    report = await reloader.load([], [ConfigError("one.json: line 3", "not JSON")])
    assert (report.kept, reloader.find("one")) == (["one"], served)


async def test_so_does_one_in_a_folder_whose_name_has_a_colon() -> None:
    reloader = make_reloader()
    api = dataclasses.replace(listening_at("/b/", "one"), source="/srv/b:1/one.json")
    await reloader.load([api], [])
    for where in (api.source, f"{api.source}: proxy.target_url"):
        assert (await reloader.load([], [ConfigError(where, "wrong")])).kept == ["one"]


async def test_a_bad_domain_is_refused_like_anything_else() -> None:
    reloader = make_reloader()
    bad = listening_at("/a/", "bad", domain="{x:(}.test")
    report = await reloader.load([bad, listening_at("/b/", "one")], [])
    assert (report.loaded, len(report.refused)) == (1, 1)


async def test_those_that_want_the_same_place_get_places_of_their_own() -> None:
    reloader = make_reloader()
    await reloader.load([listening_at("/a/", "one")], [])
    await reloader.load([listening_at("/a/", "one"), listening_at("/a/", "two")], [])
    paths = {route.api_id: route.listen_path for route in reloader.table.routes}
    assert paths == {"one": "/a/", "two": "/a/-two"}
    await reloader.load([listening_at("/a/", "three"), listening_at("/a/", "two", domain="d.test")], [])
    found = reloader.table.find(b"d.test", b"/a/x", PORT)
    assert found is not None
    assert found.api_id == "two"


async def test_a_change_touches_nothing_else() -> None:
    reloader = make_reloader()
    await reloader.load([listening_at(f"/{name}/", name) for name in "abc"], [])
    before, pool = reloader.table, pool_of(reloader, "b")
    report = await reloader.change([listening_at("/x/", "b"), listening_at("/d/", "d")], ["c"])
    after = reloader.table
    assert (report.loaded, report.built, after.generation) == (3, 2, 2)
    assert [route.api_id for route in after.routes] == ["a", "b", "d"]
    assert after.by_id["a"] is before.by_id["a"]
    assert pool.is_closed
    served = {path: after.find(b"", path, PORT) for path in (b"/a/", b"/b/", b"/x/", b"/c/", b"/d/")}
    names = {path: route.api_id if route else None for path, route in served.items()}
    assert names == {b"/a/": "a", b"/b/": "b", b"/x/": "b", b"/c/": None, b"/d/": "d"}
    assert before.find(b"", b"/c/", PORT) is not None, "whoever still holds the old table sees all of it"


async def test_a_change_that_changes_nothing_makes_no_table() -> None:
    reloader = make_reloader()
    await reloader.load([listening_at("/a/", "a")], [])
    table = reloader.table
    report = await reloader.change([listening_at("/a/", "a")], ["none"])
    assert (report.built, reloader.table) == (0, table)


async def test_a_change_that_is_refused_keeps_what_it_had() -> None:
    reloader = make_reloader()
    await reloader.load([listening_at("/b/", "one")], [])
    report = await reloader.change([broken("one"), listening_at("/c/", "two")], [])
    assert (report.kept, list(report.why_refused)) == (["one"], ["one"])
    assert [route.listen_path for route in reloader.table.routes] == ["/b/", "/c/"]


async def test_who_wants_the_place_of_another_moves_back_when_that_goes() -> None:
    reloader = make_reloader()
    await reloader.load([listening_at("/a/", "one")], [])
    await reloader.change([listening_at("/a/", "two")], [])
    assert {route.api_id: route.listen_path for route in reloader.table.routes} == {"one": "/a/", "two": "/a/-two"}
    await reloader.change([], ["one"])
    assert {route.api_id: route.listen_path for route in reloader.table.routes} == {"two": "/a/"}


async def test_what_the_cluster_shares_has_its_place_before_a_nodes_own() -> None:
    reloader = make_reloader()
    await reloader.load([listening_at("/a/", "own")], [])
    reloader.shared = {"shared"}
    await reloader.change([listening_at("/a/", "shared")], [])
    assert {route.api_id: route.listen_path for route in reloader.table.routes} == {"own": "/a/-own", "shared": "/a/"}
    await reloader.load([listening_at("/a/", "own"), listening_at("/a/", "shared")], [])
    assert {route.api_id: route.listen_path for route in reloader.table.routes} == {"own": "/a/-own", "shared": "/a/"}
    reloader.shared = set()
    await reloader.change([], ["shared"])
    assert {route.api_id: route.listen_path for route in reloader.table.routes} == {"own": "/a/"}


def test_many_changes_lead_to_the_table_that_one_load_makes() -> None:
    rng = random.Random(7)

    def route(number: int) -> Route:
        domain = rng.choice(["", "", "a.test", "{x}.test"])
        path = rng.choice([f"/{number}/", f"/{number}/{rng.randrange(3)}", f"/t{number}/{{x}}/"])
        more = {"domain": domain, "listen_port": rng.choice([0, 0, 9000]), "name": f"name {number // 2}"}
        return make_route(listening_at(path, f"api{number}", **more))

    table = Table([], port=PORT, hostname="", nobody=stand_in("none"), control=stand_in("control"))
    for _ in range(60):
        pairs = []
        for number in rng.sample(range(12), 3):
            old = table.by_id.get(f"api{number}")
            pairs.append((old, route(number) if old is None or rng.random() < 0.6 else None))
        table = changed(table, pairs)
        fresh = Table(table.routes, port=PORT, hostname="", nobody=table.nobody, control=table.control)
        assert table.ports == fresh.ports
        for number, host in product(range(12), (b"", b"a.test", b"b.test")):
            for path in (b"/%d/0" % number, b"/%d/2" % number, b"/t%d/y/" % number, b"/api%d/" % number):
                for port in (PORT, 9000):
                    assert table.find(host, path, port) is fresh.find(host, path, port)
            assert (table.by_name(f"name-{number}") is None) == (fresh.by_name(f"name-{number}") is None)


def settings_without(reloader: Reloader, adopted: list[int], **settings: Any) -> Anew:
    """Return what builds everything anew; `adopted` gets the generation of the table it was put into force with."""
    assert reloader.builder is not None
    builder = reloader.builder.with_settings(replace(reloader.settings, **settings))
    return Anew(builder, lambda: adopted.append(reloader.table.generation))


async def test_other_settings_build_everything_anew_in_one_swap() -> None:
    reloader, adopted = make_reloader(), list[int]()
    await reloader.load([listening_at(f"/{name}/", name, domain="d.test") for name in "abc"], [])
    before, pool = reloader.table, pool_of(reloader, "a")
    anew = settings_without(reloader, adopted, enable_custom_domains=False)
    report = await reloader.change([listening_at("/x/", "b")], ["c"], anew)
    assert (report.built, adopted, reloader.table.generation) == (2, [2], 2)
    assert [(route.api_id, route.listen_path, route.domain) for route in reloader.table.routes] == [
        ("a", "/a/", ""),
        ("b", "/x/", ""),
    ]
    assert reloader.table.by_id["a"] is not before.by_id["a"]
    assert pool.is_closed


async def test_settings_that_something_in_force_cannot_be_built_with_change_nothing() -> None:
    reloader, adopted = make_reloader(), list[int]()
    secure = listening_at("/s/", "secure", proxy={"target_url": "https://a.test"})
    await reloader.load([listening_at("/a/", "a"), secure], [])
    table, pool = reloader.table, pool_of(reloader, "a")
    anew = settings_without(reloader, adopted, proxy_ssl_ciphers=["TLS_OF_NOBODY"])
    with pytest.raises(ConfigError, match=r"secure\.json"):
        await reloader.change([listening_at("/b/", "b")], [], anew)
    assert (reloader.table, adopted, pool.is_closed) == (table, [], False)


async def test_an_api_that_is_refused_is_served_as_before_by_other_settings() -> None:
    reloader, adopted = make_reloader(), list[int]()
    await reloader.load([listening_at("/a/", "one", domain="d.test")], [])
    anew = settings_without(reloader, adopted, enable_custom_domains=False)
    report = await reloader.change([broken("one"), broken("two")], [], anew)
    assert (report.kept, sorted(report.why_refused)) == (["one"], ["one", "two"])
    assert [(route.listen_path, route.domain) for route in reloader.table.routes] == [("/a/", "")]
