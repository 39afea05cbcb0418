"""Reload, cache, health, debug, schema, and the document that describes it all."""

from __future__ import annotations

import asyncio

import pytest
from openapi_spec_validator import validate
from starlette.routing import Route

from sluicegate.admin.node import ReloadError
from sluicegate.admin.oas_schema import document_schema
from sluicegate.admin.openapi import document
from sluicegate.admin.routes import ROUTES, open_routes
from sluicegate.errors import ConfigError, StoreError


async def test_reload(admin):
    assert (await admin.call("GET", "/tyk/reload/?block=true")).text == '{"status":"ok","message":""}\n'
    assert admin.node.reloads == 1
    assert (await admin.call("GET", "/tyk/reload")).status_code == 200
    for _ in range(3):
        await asyncio.sleep(0)
    assert admin.node.reloads == 2
    assert (await admin.call("GET", "/tyk/reload/group")).json() == {"status": "ok", "message": ""}
    assert admin.node.group_reloads == 1


async def test_a_reload_that_fails(admin):
    async def reload(api_id: str = "", *, may_empty: bool = False) -> None:
        raise ReloadError("the folder is empty")

    admin.node.reload = reload
    logged = []
    admin.node.services.log = lambda level, message, **_: logged.append((level, message))
    assert await admin.said("GET", "/tyk/reload?block=true") == (500, "Reload failed: the folder is empty")
    assert (await admin.call("GET", "/tyk/reload")).status_code == 200
    for _ in range(3):
        await asyncio.sleep(0)
    assert logged == [("error", "Reload failed: the folder is empty")]


async def test_cache(admin):
    admin.node.cache.set("cache-a1x", b"1", 60)
    assert await admin.said("DELETE", "/tyk/cache/a1/") == (200, "cache invalidated")
    assert admin.node.cache.get("cache-a1x") is None

    async def away(api_id: str) -> None:
        raise StoreError("away")

    admin.node.clear_cache = away
    assert await admin.said("DELETE", "/tyk/cache/a1") == (500, "Cache invalidation failed")


async def test_api_health(make_admin, definition):
    admin = make_admin(health_check={"enable_health_checks": True})
    await admin.call("POST", "/tyk/apis", definition())
    assert await admin.said("GET", "/tyk/health") == (400, "missing api_id parameter")
    assert await admin.said("GET", "/tyk/health/?api_id=none") == (404, "API ID not found")
    assert set((await admin.call("GET", "/tyk/health?api_id=a1")).json().values()) == {0}


async def test_api_health_is_off_by_default(admin):
    assert await admin.said("GET", "/tyk/health?api_id=a") == (400, "Health checks are not enabled for this node")


async def test_debug(admin, definition):
    call = {
        "request": {"method": "POST", "path": "/x", "headers": {"A": ["1", "2"]}, "body": "hi"},
        "spec": definition(),
    }
    body = (await admin.call("POST", "/tyk/debug", call)).json()
    assert (body["message"], body["logs"]) == ("ok", "{}\n")
    assert body["response"] == (
        "====== Request ======\nPOST /a1/x HTTP/1.1\r\nA: 1\r\nA: 2\r\n\r\nhi\n"
        "====== Response ======\nHTTP/1.1 200 OK\r\nX-Api: a1\r\n\r\nPOST hi"
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({}, "Spec field is missing"),
        ({"Spec": {}}, "Request field is missing"),
        ({"spec": 1}, "Request malformed"),
        ({"spec": {"api_id": 1}, "request": {}}, "Request malformed"),
        ({"spec": {}, "request": {"path": 1}}, "Request malformed"),
        ({"spec": {}, "request": {"headers": {"A": "1"}}}, "Request malformed"),
    ],
)
async def test_debug_refusals(admin, call, message):
    assert await admin.said("POST", "/tyk/debug", call) == (400, message)


async def test_debug_of_what_is_not_routed(admin, definition):
    answer = await admin.call("POST", "/tyk/debug", {"spec": definition(listen_path=""), "request": {}})
    assert (answer.status_code, answer.json()["message"]) == (400, "error")
    assert "Spec not valid, skipped!" in answer.json()["logs"]


async def test_debug_of_what_cannot_be_built(admin, definition):
    async def broken(api, request):
        raise ConfigError("a1", "a pattern is broken")

    admin.node.debug_request = broken
    call = {"request": {"path": "/x"}, "spec": definition()}
    answer = await admin.call("POST", "/tyk/debug", call)
    assert answer.status_code == 400
    assert answer.json()["message"] == "error"
    assert "a pattern is broken" in answer.json()["logs"]


async def test_schema(admin):
    body = (await admin.call("GET", "/tyk/schema")).json()
    assert (body["status"], body["message"]) == ("Success", "")
    assert "x-tyk-api-gateway" in body["schema"]["properties"]
    answer = await admin.call("GET", "/tyk/schema?oasVersion=9")
    assert answer.status_code == 404
    assert answer.json() == {"status": "Failed", "message": 'Schema not found for version "9"'}


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_schema_refers_only_to_what_it_defines(version):
    schema = document_schema(version)

    def references(part):
        if isinstance(part, dict):
            for key, value in part.items():
                yield from [value] if key == "$ref" else references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    assert {name.rpartition("/")[2] for name in references(schema)} == set(schema["definitions"])


async def test_the_document_is_served(admin):
    assert (await admin.call("GET", "/tyk/openapi.json")).json()["openapi"] == "3.0.3"


def test_the_document_is_valid():
    validate(document())


def test_the_document_has_every_route_and_no_other(make_admin):
    settings = make_admin(enable_config_inspection=True).node.settings
    routes = {(path, method.lower()) for path, calls in (*ROUTES, *open_routes(settings)) for method in calls}
    described = {
        (path, method) for path, item in document()["paths"].items() for method in item if method != "parameters"
    }
    assert described == routes
    assert all(Route(path, lambda request: None).path == path for path, _ in routes)
