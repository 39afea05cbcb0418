"""Policies over the gateway API (contract 04.8)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

INVALID = "Invalid Policy ID: Allowed characters: a-z, A-Z, 0-9, ., _, -, ~"


async def test_life_of_a_policy(admin):
    added = await admin.call("POST", "/tyk/policies", {"id": "gold", "rate": 5, "per": 1})
    assert added.json() == {"key": "gold", "status": "ok", "action": "added"}
    file = admin.node.folder / "policies" / "gold.json"
    assert file.read_text().startswith('{\n  "_id": "",\n  "id": "gold"')
    shown = (await admin.call("GET", "/tyk/policies/gold")).json()
    assert (shown["rate"], shown["tags"], shown["_id"]) == (5, None, "")
    assert (await admin.call("PUT", "/tyk/policies/gold", {"id": "gold", "rate": 6})).json()["action"] == "modified"
    assert [policy["rate"] for policy in (await admin.call("GET", "/tyk/policies")).json()] == [6]
    assert (await admin.call("DELETE", "/tyk/policies/gold")).json()["action"] == "deleted"
    assert not file.exists()
    assert await admin.said("GET", "/tyk/policies/gold") == (404, "Policy not found")
    assert await admin.said("DELETE", "/tyk/policies/gold") == (500, "Delete failed")


async def test_every_field_is_answered(admin):
    await admin.call("POST", "/tyk/policies", {"id": "bare"})
    assert (await admin.call("GET", "/tyk/policies/bare")).text == (
        '{"_id":"","id":"bare","name":"","org_id":"","rate":0,"per":0,"quota_max":0,"quota_renewal_rate":0,'
        '"throttle_interval":0,"throttle_retry_limit":0,"max_query_depth":0,"access_rights":null,'
        '"hmac_enabled":false,"enable_http_signature_validation":false,"active":false,"is_inactive":false,'
        '"tags":null,"key_expires_in":0,"post_expiry_grace_period":0,'
        '"partitions":{"quota":false,"rate_limit":false,"complexity":false,"acl":false,"per_api":false},'
        '"last_updated":"","meta_data":null,"graphql_access_rights":null,"smoothing":null}\n'
    )


async def test_ids(admin):
    assert await admin.said("POST", "/tyk/policies", {}) == (400, "Unable to create policy without id.")
    assert (await admin.call("POST", "/tyk/policies", {"_id": "6b04"})).json()["key"] == "6b04"
    assert await admin.said("PUT", "/tyk/policies/a", {"id": "b"}) == (
        400,
        "Request ID does not match that in policy! For Update operations these must match.",
    )
    assert await admin.said("PUT", "/tyk/policies/valid-id", {"id": "in/valid"}) == (400, INVALID)
    assert await admin.said("PUT", "/tyk/policies", {}) == (400, "Must specify an apiID to update")
    assert await admin.said("DELETE", "/tyk/policies") == (400, "Must specify an apiID to delete")


@pytest.mark.parametrize(
    "rights",
    [
        {"json_rpc_methods": [{"name": "tools/list", "limit": {"rate": 1, "per": 1}}]},
        {"json_rpc_methods_access_rights": {"allowed": ["tools/list"]}},
        {"mcp_primitives": [{"type": "tool", "name": "rm", "limit": {"rate": 1, "per": 1}}]},
        {"mcp_access_rights": {"tools": {"blocked": ["rm"]}}},
    ],
)
async def test_rights_to_tools_are_for_mcp_proxies(admin, definition, rights):
    await admin.call("POST", "/tyk/apis", definition())
    for method, path in (("POST", "/tyk/policies"), ("PUT", "/tyk/policies/p")):
        assert await admin.said(method, path, {"id": "p", "access_rights": {"a1": rights}}) == (
            400,
            'MCP fields can only be configured on MCP Proxies, API "a1" is not an MCP Proxy',
        )
    nothing = {"versions": ["v1"], "mcp_access_rights": {"tools": {"allowed": []}}}
    for right in ({"a1": nothing}, {"not-loaded": rights}):
        assert (await admin.call("POST", "/tyk/policies", {"id": "p", "access_rights": right})).status_code == 200


@pytest.mark.parametrize("policy_id", ["../escaped", "..", ".", "a/b", "a\0b"])
async def test_no_id_leaves_the_folder_whatever_is_allowed(make_admin, policy_id):
    admin = make_admin(allow_unsafe_policy_ids=True)
    assert await admin.said("POST", "/tyk/policies", {"id": policy_id}) == (400, INVALID)
    assert (await admin.call("POST", "/tyk/policies", {"id": "with@sign"})).status_code == 200


async def test_a_file_with_another_name_is_changed_in_place(admin):
    file = admin.node.folder / "policies" / "mine.json"
    file.write_text('{"id": "gold", "rate": 1}')
    await admin.node.reload()
    await admin.call("PUT", "/tyk/policies/gold", {"id": "gold", "rate": 2})
    assert [path.name for path in file.parent.iterdir()] == ["mine.json"]
    assert json.loads(file.read_text())["rate"] == 2


async def test_one_file_for_all_policies(make_admin, tmp_path: Path):
    file = tmp_path / "policies.json"
    file.write_text('{"old": {"rate": 1}}')
    admin = make_admin(policies={"policy_record_name": str(file)})
    await admin.call("POST", "/tyk/policies", {"id": "new", "rate": 2})
    assert sorted(json.loads(file.read_text())) == ["new", "old"]
    assert (await admin.call("GET", "/tyk/policies/new")).json()["rate"] == 2
    await admin.call("DELETE", "/tyk/policies/old")
    assert sorted(json.loads(file.read_text())) == ["new"]
    file.write_text("broken")
    assert await admin.said("POST", "/tyk/policies", {"id": "x"}) == (500, "Unable to access policy storage.")


@pytest.mark.parametrize(
    ("policies", "why"),
    [
        ({}, "policies.policy_path is not set"),
        ({"policy_path": "/etc/hosts"}, "there is no folder /etc/hosts"),
        ({"policy_path": "/nowhere"}, "there is no folder /nowhere"),
    ],
)
async def test_nowhere_to_write(make_admin, policies, why):
    admin = make_admin(policies=policies)
    logged = []
    admin.node.services.log = lambda level, message, **fields: logged.append((level, message, fields["error"]))
    assert await admin.said("POST", "/tyk/policies", {"id": "x"}) == (500, "Unable to access policy storage.")
    assert logged == [("error", "Unable to access policy storage.", why)]


async def test_policies_of_a_dashboard(make_admin):
    admin = make_admin(policies={"policy_source": "service"})
    status, message = await admin.said("POST", "/tyk/policies", {"id": "x"})
    assert (status, message) == (500, "Due to enabled service policy source, please use the Dashboard API")
