"""`/hello` and `/ready` (contract 04.2)."""

from __future__ import annotations

import pytest

GOOD = {"status": "pass", "componentType": "datastore", "time": "2026-11-23T15:50:18Z"}
BAD = {**GOOD, "status": "fail", "output": "storage: Redis is either down or was not configured"}


async def test_before_the_first_check_there_are_no_details(admin):
    answer = await admin.call("GET", "/hello", headers={"X-Tyk-Authorization": ""})
    assert answer.status_code == 200
    assert answer.text == '{"status":"pass","version":"v0.0.0","description":"Tyk GW"}\n'


@pytest.mark.parametrize(
    ("details", "status"),
    [({"redis": GOOD}, "pass"), ({"redis": BAD}, "fail"), ({"redis": BAD, "rpc": GOOD}, "warn")],
)
async def test_the_state_is_in_the_document(admin, details, status):
    admin.node.details = details
    body = (await admin.call("GET", "/hello")).json()
    assert (body["status"], body["details"]) == (status, details)


@pytest.mark.parametrize("path", ["/hello", "/ready"])
async def test_fields_stand_in_their_order(admin, path):
    admin.node.details = {"redis": BAD}
    assert (await admin.call("GET", path)).text.endswith(
        '"details":{"redis":{"status":"fail","output":"storage: Redis is either down or was not configured",'
        '"componentType":"datastore","time":"2026-11-23T15:50:18Z"}}}\n'
    )


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST"])
async def test_other_methods(admin, method):
    answer = await admin.call(method, "/hello")
    assert answer.status_code == 405
    assert method == "HEAD" or answer.json()["message"] == "Method Not Allowed"


async def test_ready(admin):
    assert (await admin.call("GET", "/ready")).json()["description"] == "Tyk GW Ready"
    admin.node.not_ready = "A successful API reload did not happen"
    assert await admin.said("GET", "/ready") == (503, "A successful API reload did not happen")
    admin.node.not_ready, admin.node.is_draining = "", True
    assert await admin.said("GET", "/ready") == (503, "Gateway is shutting down")


async def test_a_balancer_may_ask_for_what_is_ready_without_the_store(admin):
    admin.node.store_is_away = True
    assert await admin.said("GET", "/ready") == (503, "Redis connection not available")
    assert await admin.said("GET", "/ready?store=needed") == (503, "Redis connection not available")
    assert (await admin.call("GET", "/ready?store=optional")).status_code == 200
    admin.node.not_ready = "A successful API reload did not happen"
    assert await admin.said("GET", "/ready?store=optional") == (503, "A successful API reload did not happen")
    admin.node.is_draining = True
    assert await admin.said("GET", "/ready?store=optional") == (503, "Gateway is shutting down")


async def test_names_come_from_the_settings(make_admin):
    admin = make_admin(health_check_endpoint_name="alive", readiness_check_endpoint_name="/serving")
    assert (await admin.call("GET", "/alive")).status_code == 200
    assert (await admin.call("GET", "/serving")).status_code == 200
    assert (await admin.call("GET", "/hello")).status_code == 404
