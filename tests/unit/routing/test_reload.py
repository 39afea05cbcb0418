"""Reloads: what changed is built, what is refused stays as it was, and nothing is ever worse than before."""

from __future__ import annotations

from tests.fakes.routes import PORT, FakePool, listening_at, make_reloader

from sluicegate.apidef.api import Api
from sluicegate.errors import ConfigError
from sluicegate.routing.reload import Reloader


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
