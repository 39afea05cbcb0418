"""Certificates that change in the store, and the routes that use them: one worker's parts, in this process."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
import trustme
from tests.fakes.worker import WorkerParts

from sluicegate import worker as worker_module
from sluicegate.routing.route import Route

AUTHORITY = trustme.CA()
ID, CA_ID = "org" + "a" * 64, "org" + "b" * 64


def identity(name: str) -> bytes:
    return AUTHORITY.issue_cert(name).private_key_and_cert_chain_pem.bytes()


def definition(api_id: str, **proxy: Any) -> dict[str, Any]:
    return {
        "name": api_id,
        "api_id": api_id,
        "org_id": "org",
        "active": True,
        "use_keyless": True,
        "version_data": {"not_versioned": True, "versions": {"v1": {"name": "v1"}}},
        "proxy": {"listen_path": f"/{api_id}/", "target_url": "https://127.0.0.1:1/", **proxy},
    }


async def store(node: WorkerParts, certificate_id: str, pem: bytes) -> None:
    await node.parts.backend.set(f"cert-raw-{certificate_id}", pem)


def routes(node: WorkerParts) -> dict[str, Route]:
    return dict(node.parts.reloader.table.by_id)


def presented(route: Route) -> bytes:
    (target,) = route.upstream.targets
    return bytes(target.tls.wanted.identity)


async def test_an_api_is_served_as_soon_as_its_certificate_is_there(node: WorkerParts) -> None:
    node.write({**definition("a"), "upstream_certificates": {"*": ID}})
    node.write(definition("b"))
    await node.load()
    assert list(routes(node)) == ["b"]
    await store(node, ID, identity("one.test"))
    await node.worker.configuration.renew_certificates([ID])
    assert sorted(routes(node)) == ["a", "b"]


async def test_only_routes_that_use_a_changed_certificate_are_built_anew(node: WorkerParts) -> None:
    one, two = identity("one.test"), identity("two.test")
    await store(node, ID, one)
    await store(node, CA_ID, AUTHORITY.cert_pem.bytes())
    node.write({**definition("a"), "upstream_certificates": {"*": ID}})
    node.write(definition("b", transport={"ssl_ca_file": CA_ID}))
    await node.load()
    before = routes(node)
    assert presented(before["a"]) == one
    await store(node, ID, two)
    await node.worker.configuration.renew_certificates()
    after = routes(node)
    assert presented(after["a"]) == two
    assert after["b"] is before["b"]


@pytest.mark.parametrize("named", [[], [CA_ID]])
async def test_where_nothing_that_is_named_has_changed_nothing_is_done(node: WorkerParts, named: list[str]) -> None:
    await store(node, ID, identity("one.test"))
    node.write({**definition("a"), "upstream_certificates": {"*": ID}})
    await node.load()
    generation = node.parts.reloader.table.generation
    await node.worker.configuration.renew_certificates(named)
    assert node.parts.reloader.table.generation == generation


async def test_a_reload_sees_other_certificates_too(node: WorkerParts) -> None:
    await store(node, ID, identity("one.test"))
    node.write({**definition("a"), "upstream_certificates": {"*": ID}})
    await node.load()
    await store(node, ID, two := identity("two.test"))
    await node.load()
    assert presented(routes(node)["a"]) == two


async def test_an_api_whose_certificate_was_removed_goes_on_and_is_said_to(node: WorkerParts) -> None:
    await store(node, ID, one := identity("one.test"))
    node.write({**definition("a"), "upstream_certificates": {"*": ID}})
    await node.load()
    await node.parts.backend.delete(f"cert-raw-{ID}")
    for change in (node.worker.configuration.renew_certificates, node.load):
        await change()
        assert presented(routes(node)["a"]) == one
        assert node.parts.reloader.last.kept == ["a"]
        assert "is not in the store" in str(node.parts.reloader.last.refused)
    await store(node, ID, two := identity("two.test"))
    await node.worker.configuration.renew_certificates([ID])
    assert presented(routes(node)["a"]) == two


async def test_a_definition_is_tried_with_what_the_store_has(node: WorkerParts) -> None:
    await node.load()
    await store(node, ID, identity("one.test"))
    node.write({**definition("a"), "upstream_certificates": {"*": ID}})
    found = await node.worker.configuration._read()
    assert found is not None
    await node.worker.configuration.prepare(found.apis)
    assert node.parts.builder.build(found.apis[0], "/a/").upstream is not None


async def test_over_a_network_the_store_is_looked_at_again_and_again(
    node: WorkerParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "CERTIFICATES_LOOK_S", 0.001)
    monkeypatch.setattr(worker_module, "LocalBackend", type(None))  # as if others could write, too
    node.write({**definition("a"), "upstream_certificates": {"*": ID}})
    await node.load()
    watching = asyncio.create_task(node.worker.watch_certificates())
    await store(node, ID, identity("one.test"))
    async with asyncio.timeout(10):
        while "a" not in routes(node):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
