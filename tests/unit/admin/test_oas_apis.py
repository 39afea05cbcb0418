"""OAS documents over the gateway API (contract 04.5)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

OWN = [{"url": "http://127.0.0.1:8080/pets"}, {"url": "/pets"}]
PATHS = {"/pets": {"get": {"responses": {"200": {"description": "ok"}}}}}


def document(api_id: str = "o1", listen_path: str = "/pets/", **members: Any) -> dict[str, Any]:
    return {
        "openapi": "3.0.3",
        "info": {"title": "Pets", "version": "1"},
        "paths": {},
        "x-tyk-api-gateway": {
            "info": {"id": api_id, "orgId": "default", "name": "pets", "state": {"active": True}},
            "upstream": {"url": "http://127.0.0.1:1"},
            "server": {"listenPath": {"value": listen_path}},
        },
        **members,
    }


def plain(**members: Any) -> dict[str, Any]:
    made = document(servers=[{"url": "http://up.example.com"}], **members)
    del made["x-tyk-api-gateway"]
    return made


def files(admin) -> list[str]:
    return sorted(path.name for path in (admin.node.folder / "apps").iterdir())


async def shown(admin, api_id: str = "o1") -> dict[str, Any]:
    answer = await admin.call("GET", f"/tyk/apis/oas/{api_id}")
    assert answer.status_code == 200
    assert not answer.text.endswith("\n")
    return answer.json()


async def test_life_of_a_document(admin):
    added = await admin.call("POST", "/tyk/apis/oas", document(servers=[{"url": "http://other"}], paths=PATHS))
    assert added.json() == {"key": "o1", "status": "ok", "action": "added"}
    assert files(admin) == ["o1-oas.json", "o1.json"]
    assert json.loads((admin.node.folder / "apps" / "o1.json").read_bytes())["is_oas"] is True
    seen = await shown(admin)
    assert seen["servers"] == [*OWN, {"url": "http://other"}]
    assert seen["components"] == {}
    assert seen["paths"]["/pets"]["get"]["operationId"] == "petsGET"
    classic = (await admin.call("GET", "/tyk/apis/o1")).json()
    assert (classic["proxy"]["listen_path"], classic["is_oas"]) == ("/pets/", True)
    assert (await admin.call("PUT", "/tyk/apis/oas/o1", document(listen_path="/moved"))).json()["action"] == "modified"
    assert (await shown(admin))["servers"][1] == {"url": "/moved"}
    assert len((await admin.call("GET", "/tyk/apis/oas")).json()) == 1
    assert (await admin.call("DELETE", "/tyk/apis/oas/o1")).json()["action"] == "deleted"
    assert files(admin) == []


async def test_servers_change_with_the_path(admin):
    await admin.call("POST", "/tyk/apis/oas", document(servers=[{"url": "http://other"}]))
    again = {**await shown(admin)}
    again["x-tyk-api-gateway"]["server"]["listenPath"]["value"] = "/moved"
    await admin.call("PUT", "/tyk/apis/oas/o1", again)
    urls = [server["url"] for server in (await shown(admin))["servers"]]
    assert urls == ["http://127.0.0.1:8080/moved", "/moved", "http://other"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x-tyk-api-gateway": None}, "the payload should contain x-tyk-api-gateway"),
        (
            {"x-tyk-api-gateway": {}},
            "x-tyk-api-gateway: info is required\nx-tyk-api-gateway: upstream is required\n"
            "x-tyk-api-gateway: server is required",
        ),
        ({"openapi": "2.0"}, 'Schema not found for version "2.0"'),
        ({"paths": None}, "paths: Invalid type. Expected: object, given: null"),
        (
            {"x-tyk-api-gateway": {"info": {"state": {"active": True}}, "server": {"listenPath": {"value": "/x"}}}},
            "x-tyk-api-gateway: upstream is required\nx-tyk-api-gateway.info: name is required",
        ),
    ],
)
async def test_bad_documents(admin, change, message):
    await admin.call("POST", "/tyk/apis/oas", document())
    for method, path in (("POST", "/tyk/apis/oas"), ("PUT", "/tyk/apis/oas/o1")):
        assert await admin.said(method, path, {**document(), **change}) == (400, message)
    assert await admin.said("POST", "/tyk/apis/oas", content=b"oas-body") == (400, "request malformed")


@pytest.mark.parametrize(("method", "path"), [("PUT", "none"), ("PATCH", "none"), ("PATCH", "%20")])
async def test_a_document_is_looked_at_before_the_api_that_it_is_for(admin, method, path):
    bad = document(paths=None)
    assert await admin.said(method, f"/tyk/apis/oas/{path}", content=b"oas-body") == (400, "request malformed")
    assert await admin.said(method, f"/tyk/apis/oas/{path}", bad) == (
        400,
        "paths: Invalid type. Expected: object, given: null",
    )


async def test_weights_of_zero(admin):
    bad = document()
    targets = [{"url": "http://t1", "weight": 0}, {"url": "http://t2", "weight": 0}]
    bad["x-tyk-api-gateway"]["upstream"]["loadBalancing"] = {"enabled": True, "targets": targets}
    status, message = await admin.said("POST", "/tyk/apis/oas", bad)
    assert status == 400
    assert message.startswith("Validation of API Definition failed. Reason: all load balancing targets have weight 0")


async def test_the_two_kinds_keep_apart(admin, definition):
    await admin.call("POST", "/tyk/apis", definition("c1", "/c1/"))
    await admin.call("POST", "/tyk/apis/oas", document())
    status, message = await admin.said("GET", "/tyk/apis/oas/c1")
    assert (status, message.split(",")[0]) == (400, "the requested API definition is in Tyk classic format")
    for method in ("PUT", "PATCH"):
        status, message = await admin.said(method, "/tyk/apis/oas/c1", document("c1"))
        assert (status, message.split(",")[0]) == (400, "the supplied API definition is in OAS format")
    status, message = await admin.said("PUT", "/tyk/apis/o1", definition("o1"))
    assert (status, message.split(";")[0]) == (400, "this API endpoint only supports Tyk Classic APIs")
    assert (await admin.said("PUT", "/tyk/apis/oas/o1", document("other")))[0] == 400
    assert await admin.said("PATCH", "/tyk/apis/oas/none", document()) == (404, "API not found")
    assert await admin.said("PATCH", "/tyk/apis/oas/%20", document()) == (400, "Must specify an apiID to patch")


async def test_a_classic_definition_takes_the_place_of_a_document(admin, definition):
    await admin.call("POST", "/tyk/apis/oas", document())
    await admin.call("POST", "/tyk/apis", definition("o1", "/pets/"))
    assert files(admin) == ["o1.json"]


async def test_import(admin):
    query = "apiID=i1&customDomain=example.com&listenPath=%2Flisten&upstreamURL=http%3A%2F%2F127.0.0.1%3A1"
    assert (await admin.call("POST", f"/tyk/apis/oas/import?{query}", plain())).json()["key"] == "i1"
    seen = await shown(admin, "i1")
    assert seen["servers"] == [{"url": "http://example.com/listen"}, {"url": "http://up.example.com"}]
    extension = seen["x-tyk-api-gateway"]
    assert (extension["info"]["name"], extension["info"]["state"]["active"]) == ("Pets", True)
    assert extension["upstream"]["url"] == "http://127.0.0.1:1"
    assert extension["server"]["listenPath"] == {"value": "/listen", "strip": True}


@pytest.mark.parametrize(
    ("query", "body", "message"),
    [
        ("", document(), "the import payload should not contain x-tyk-api-gateway"),
        ("", {**plain(), "servers": []}, "The ‘servers’ object is empty in your OAS."),
        ("?upstreamURL=up.example.com", plain(), "The manually configured upstream URL is not valid."),
        ("?authentication=%20T%20", plain(), "The ‘security’ object is empty in your OAS."),
        ("", {**plain(), "paths": None}, "paths: Invalid type."),
    ],
)
async def test_import_refusals(admin, query, body, message):
    status, said = await admin.said("POST", f"/tyk/apis/oas/import{query}", body)
    assert status == 400
    assert said.startswith(message)


async def test_patch_keeps_the_extension(admin):
    await admin.call("POST", "/tyk/apis/oas", document())
    patched = plain(paths=PATHS, info={"title": "Patched", "version": "2"})
    assert (await admin.call("PATCH", "/tyk/apis/oas/o1", patched)).json()["action"] == "modified"
    seen = await shown(admin)
    assert seen["info"]["title"] == "Patched"
    assert seen["x-tyk-api-gateway"]["info"]["name"] == "pets"
    assert seen["servers"] == [*OWN, {"url": "http://up.example.com"}]


async def test_patch_with_options_changes_the_extension(admin):
    await admin.call("POST", "/tyk/apis/oas", document())
    query = "customDomain=custom.com&upstreamURL=https%3A%2F%2Fnew.org&allowList=false"
    assert (await admin.call("PATCH", f"/tyk/apis/oas/o1?{query}", document(paths=PATHS))).status_code == 200
    seen = await shown(admin)
    assert seen["servers"] == [{"url": "http://custom.com/pets"}]
    assert seen["x-tyk-api-gateway"]["upstream"]["url"] == "https://new.org"
    stored = json.loads((admin.node.folder / "apps" / "o1-oas.json").read_bytes())
    assert stored["x-tyk-api-gateway"]["middleware"]["operations"]["petsGET"]["allow"]["enabled"] is False


async def test_export(admin):
    await admin.call("POST", "/tyk/apis/oas", document())
    answer = await admin.call("GET", "/tyk/apis/oas/o1/export")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment;filename="TykOasApiDef-o1.json"'
    assert answer.text.startswith('{\n  "')
    assert "x-tyk-api-gateway" in answer.json()
    answer = await admin.call("GET", "/tyk/apis/oas/o1/export?mode=public")
    assert answer.headers["content-disposition"] == 'attachment;filename="oas-o1.json"'
    assert "x-tyk-api-gateway" not in answer.json()
    answer = await admin.call("GET", "/tyk/apis/oas/export")
    assert answer.headers["content-disposition"] == 'attachment;filename="TykOasApiDef.json"'
    assert len(answer.json()) == 1


async def test_versions_of_a_document(admin):
    await admin.call("POST", "/tyk/apis/oas", document("base", "/base"))
    query = "base_api_id=base&new_version_name=v2&set_default=true&base_api_version_name=v1"
    assert (await admin.call("POST", f"/tyk/apis/oas?{query}", document("child", "/base"))).status_code == 200
    versioning = (await shown(admin, "base"))["x-tyk-api-gateway"]["info"]["versioning"]
    assert versioning == {
        "enabled": True,
        "name": "v1",
        "default": "v2",
        "location": "header",
        "key": "x-api-version",
        "versions": [{"name": "v2", "id": "child"}],
    }
    child = await admin.call("GET", "/tyk/apis/oas/child")
    assert child.headers["x-tyk-base-api-id"] == "base"
    assert child.json()["x-tyk-api-gateway"]["server"]["listenPath"]["value"] == "/base-child"
    assert len((await admin.call("GET", "/tyk/apis/oas/base/versions")).json()["apis"]) == 2
    await admin.call("DELETE", "/tyk/apis/oas/child")
    assert (await shown(admin, "base"))["x-tyk-api-gateway"]["info"]["versioning"]["versions"] == []


async def test_a_patch_keeps_what_others_write_at_the_same_moment(admin):
    await admin.call("POST", "/tyk/apis/oas", document())
    moved = admin.call("PUT", "/tyk/apis/oas/o1", document(listen_path="/moved/"))
    patched = admin.call("PATCH", "/tyk/apis/oas/o1", plain(paths=PATHS))
    assert [answer.status_code for answer in await asyncio.gather(moved, patched)] == [200, 200]
    seen = await shown(admin)
    assert seen["x-tyk-api-gateway"]["server"]["listenPath"]["value"] == "/moved/"
    assert "/pets" in seen["paths"]
