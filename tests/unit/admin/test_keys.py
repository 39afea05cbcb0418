"""Keys over the gateway API (contract 04.6)."""

from __future__ import annotations

import base64
import json
from typing import Any

import bcrypt
import pytest

from sluicegate.store import names
from sluicegate.store.tokens import hash_token, make_token

RIGHTS = {"a1": {"api_id": "a1", "versions": ["v1"]}}


def session(**fields: Any) -> dict[str, Any]:
    return {"rate": 10000, "per": 60, "quota_max": -1, "org_id": "default", "access_rights": RIGHTS, **fields}


async def add_api(admin, definition, **fields):
    assert (await admin.call("POST", "/tyk/apis", definition(**fields))).status_code == 200


async def stored(admin, name: str) -> dict[str, Any]:
    return json.loads(await admin.node.store.get(names.session(name)))


async def test_create_and_show(admin, definition):
    await add_api(admin, definition)
    answer = await admin.call("POST", "/tyk/keys/create", session(quota_renewal_rate=300))
    body = answer.json()
    assert list(body) == ["key", "status", "action"]
    assert (body["status"], body["action"]) == ("ok", "added")
    token = body["key"]
    assert json.loads(base64.b64decode(token))["org"] == "default"
    shown = (await admin.call("GET", f"/tyk/keys/{token}")).json()
    assert shown["rate"] == 10000
    assert shown["date_created"].endswith("Z")
    assert shown["quota_renews"] == int(shown["last_updated"]) + 300
    assert "alias" not in shown
    assert admin.node.forgotten == [token]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"access_rights": None}, (400, "Failed to create key, keys must have at least one Access Rights record set.")),
        ({"apply_policies": ["none"]}, (500, 'Failed to create key - policy not found: "none"')),
        ({"rate": "x"}, (500, "Unmarshalling failed")),
    ],
)
async def test_create_refusals(admin, body, expected):
    assert await admin.said("POST", "/tyk/keys/create", session(**body)) == expected


async def test_create_with_hmac_and_certificate(admin):
    token = (await admin.call("POST", "/tyk/keys/create", session(hmac_enabled=True, certificate="c" * 64))).json()[
        "key"
    ]
    assert token == make_token("default", "c" * 64, "murmur64")
    assert len(base64.b64decode((await stored(admin, token))["hmac_string"])) == 32
    status, message = await admin.said("POST", "/tyk/keys/create", session(certificate="c" * 64))
    assert (status, message) == (500, f"Failed to create key - Key with given certificate already found:{token}")


async def test_master_keys_only_where_they_are_allowed(make_admin):
    admin = make_admin(allow_master_keys=True)
    assert (await admin.call("POST", "/tyk/keys/create", session(access_rights=None))).status_code == 200
    assert (await admin.call("POST", "/tyk/keys/master", session(access_rights=None))).status_code == 200


async def test_hashed_keys(make_admin, definition):
    admin = make_admin(hash_keys=True, enable_hashed_keys_listing=True)
    await add_api(admin, definition)
    body = (await admin.call("POST", "/tyk/keys/custom-1", session())).json()
    token = make_token("default", "custom-1", "murmur64")
    assert body == {"key": token, "status": "ok", "action": "added", "key_hash": hash_token(token)}
    name = body["key_hash"]
    assert await admin.said("GET", f"/tyk/keys/{name}") == (404, "Key not found")
    assert await admin.said("GET", "/tyk/keys/custom-1") == (404, "Key not found")
    for path in (f"/tyk/keys/{name}?hashed=true", "/tyk/keys/custom-1?api_id=a1", "/tyk/keys/custom-1?org_id=default"):
        assert (await admin.call("GET", path)).json()["rate"] == 10000
    assert (await admin.call("GET", "/tyk/keys")).json() == {"keys": [name]}
    assert (await admin.call("GET", "/tyk/keys?api_id=other")).json() == {"keys": []}
    changed = (await admin.call("PUT", f"/tyk/keys/{name}?hashed=1", session(rate=5))).json()
    assert changed == {"key": name, "status": "ok", "action": "modified"}
    assert (await stored(admin, name))["rate"] == 5
    deleted = (await admin.call("DELETE", f"/tyk/keys/{name}?hashed=true")).json()
    assert deleted == {"key": name, "status": "ok", "action": "deleted"}
    assert await admin.said("DELETE", f"/tyk/keys/{name}?hashed=true") == (404, "There is no such key found")


async def test_listing(make_admin, admin):
    await admin.call("POST", "/tyk/keys/one-1", session())
    await admin.call("POST", "/tyk/keys/one-2", session(org_id="other"))
    one, two = (make_token(org, key, "murmur64") for org, key in (("default", "one-1"), ("other", "one-2")))
    assert sorted((await admin.call("GET", "/tyk/keys/")).json()["keys"]) == sorted([one, two])
    assert (await admin.call("GET", "/tyk/keys?filter=other")).json() == {"keys": [two]}
    assert (await admin.call("GET", "/tyk/keys?filter=other&api_id=a1")).json() == {"keys": [two]}
    status, message = await admin.said("GET", "/tyk/keys?api_id=a1")
    assert status == 400
    assert message.startswith("The 'filter' parameter (Org ID) is required")


async def test_listing_of_hashes_can_be_off(make_admin):
    status, message = await make_admin(hash_keys=True).said("GET", "/tyk/keys")
    assert (status, message) == (404, "Hashed key listing is disabled in config (enable_hashed_keys_listing)")


async def test_hash_asked_for_where_keys_are_not_hashed(admin):
    await admin.call("POST", "/tyk/keys/custom-1", session())
    token = make_token("default", "custom-1", "murmur64")
    expected = (400, "Key requested by hash but key hashing is not enabled")
    assert await admin.said("GET", f"/tyk/keys/{token}?hashed=true") == expected
    assert (await admin.call("DELETE", f"/tyk/keys/{token}?hashed=true")).json()["action"] == "deleted"


async def test_custom_keys(admin):
    assert (await admin.call("POST", "/tyk/keys/", session())).json()["action"] == "added"
    assert await admin.said("POST", "/tyk/keys/custom-1", session(access_rights={})) == (
        500,
        "Failed to create key, ensure security settings are correct.",
    )
    assert (await admin.said("POST", "/tyk/keys/ab", session()))[1].startswith(
        "custom key ID length 2 is less than min_token_length (3); "
    )
    assert await admin.said("PUT", "/tyk/keys/custom-1", session()) == (404, "Key is not found")
    assert await admin.said("PUT", "/tyk/keys", session()) == (404, "Key is not found")


async def test_update_keeps_when_it_was_made_and_refuses_a_past_end(admin):
    await admin.call("POST", "/tyk/keys/custom-1", session(expires=4_000_000_000))
    token = make_token("default", "custom-1", "murmur64")
    before = await stored(admin, token)
    answer = await admin.call("PUT", "/tyk/keys/custom-1", session(expires=1000, rate=7))
    assert answer.json() == {"key": token, "status": "ok", "action": "modified"}
    after = await stored(admin, token)
    assert (after["date_created"], after["expires"], after["rate"]) == (before["date_created"], 4_000_000_000, 7)
    await admin.call("POST", "/tyk/keys/custom-2", session(expires=1000))
    assert "expires" not in await stored(admin, make_token("default", "custom-2", "murmur64"))
    created = (await admin.call("POST", "/tyk/keys/create", session(expires=1000))).json()["key"]
    assert (await stored(admin, created))["expires"] == 1000


async def test_certificates_of_a_key_cannot_be_taken_away(admin):
    token = (await admin.call("POST", "/tyk/keys/create", session(certificate="c" * 64))).json()["key"]
    assert await admin.said("PUT", f"/tyk/keys/{token}", session()) == (400, "Key cannot be used without a certificate")
    other = session(certificate="default" + "d" * 64)
    refused = (400, "Key must be used with an existent certificate")
    assert await admin.said("PUT", f"/tyk/keys/{token}", other) == refused
    await admin.node.store.set(names.certificate(other["certificate"]), b"PEM")
    assert (await admin.call("PUT", f"/tyk/keys/{token}", other)).status_code == 200


@pytest.mark.parametrize(("method", "path"), [("POST", "create"), ("POST", "mine"), ("PUT", "mine")])
async def test_a_key_is_bound_to_certificates_that_are_there(admin, method, path):
    certificate = "default" + "a" * 64
    bound = session(mtls_static_certificate_bindings=[certificate])
    if method == "PUT":
        await admin.call("POST", f"/tyk/keys/{path}", session())
    refused = (400, f"certificate not found: {certificate}")
    assert await admin.said(method, f"/tyk/keys/{path}", bound) == refused
    of_others = session(mtls_static_certificate_bindings=["other" + "a" * 64])
    refused = (400, f"invalid certificate ID: other{'a' * 64}")
    assert await admin.said(method, f"/tyk/keys/{path}", of_others) == refused
    await admin.node.store.set(names.certificate(certificate), b"PEM")
    assert (await admin.call(method, f"/tyk/keys/{path}", bound)).status_code == 200


async def test_passwords_are_stored_hashed_and_never_shown(make_admin):
    admin = make_admin(hash_keys=True)
    body = (await admin.call("POST", "/tyk/keys/user", session(basic_auth_data={"password": "secret"}))).json()
    assert body["key"] == ""
    name = body["key_hash"]
    data = (await stored(admin, name))["basic_auth_data"]
    assert data["hash_type"] == "bcrypt"
    assert bcrypt.checkpw(b"secret", data["password"].encode())
    shown = (await admin.call("GET", "/tyk/keys/user?username=true&org_id=default")).json()
    assert shown["basic_auth_data"] == {"hash_type": "bcrypt"}
    await admin.call("PUT", "/tyk/keys/user?username=true&org_id=default", session())
    assert (await stored(admin, name))["basic_auth_data"] == data
    await admin.call("PUT", "/tyk/keys/user", session(basic_auth_data={"password": "new"}))
    assert bcrypt.checkpw(b"new", (await stored(admin, name))["basic_auth_data"]["password"].encode())
    too_long = session(basic_auth_data={"password": "x" * 73})
    assert (await admin.call("POST", "/tyk/keys/user", too_long)).status_code == 400


async def test_other_password_hashes(make_admin):
    admin = make_admin(basic_auth_hash_key_function="sha256")
    await admin.call("POST", "/tyk/keys/user", session(basic_auth_data={"password": "secret"}))
    data = (await stored(admin, make_token("default", "user", "murmur64")))["basic_auth_data"]
    assert (len(data["password"]), data["hash_type"]) == (64, "sha256")


async def test_older_format_is_tried_where_the_name_is_not_found(make_admin):
    admin = make_admin(hash_keys=True)
    await admin.node.store.set(names.session(hash_token("defaultuser")), json.dumps(session()).encode())
    assert (await admin.call("GET", "/tyk/keys/defaultuser?username=true&org_id=default")).status_code == 200
    deleted = await admin.call("DELETE", "/tyk/keys/defaultuser?username=true&org_id=default")
    assert deleted.json() == {"key": "defaultuser", "status": "ok", "action": "deleted"}


async def test_quotas_as_they_stand_and_their_reset(admin, definition):
    await add_api(admin, definition)
    limited = {
        "a1": {
            "api_id": "a1",
            "versions": ["v1"],
            "limit": {"rate": 5, "per": 1, "quota_max": 5, "quota_renewal_rate": 60},
        }
    }
    body = session(quota_max=5, quota_renewal_rate=300, access_rights=limited)
    token = (await admin.call("POST", "/tyk/keys/create", body)).json()["key"]
    path = f"/tyk/keys/{token}"
    shown = (await admin.call("GET", path)).json()
    assert shown["access_rights"]["a1"]["limit"]["quota_remaining"] == 5
    limiter = admin.node.services.limiter
    for _ in range(2):
        limiter.quota(names.quota(token), 5, 300)
        limiter.quota(names.quota(token, "a1"), 5, 60)
    shown = (await admin.call("GET", path)).json()
    assert (shown["quota_remaining"], shown["access_rights"]["a1"]["limit"]["quota_remaining"]) == (3, 3)
    await admin.call("PUT", f"{path}?suppress_reset=1", body)
    assert (await admin.call("GET", path)).json()["quota_remaining"] == 3
    await admin.call("PUT", path, body)
    assert (await admin.call("GET", path)).json()["access_rights"]["a1"]["limit"]["quota_remaining"] == 5


async def test_policies_end_new_keys(admin, definition):
    await add_api(admin, definition)
    await admin.call(
        "POST", "/tyk/policies", {"id": "trial", "org_id": "default", "access_rights": RIGHTS, "key_expires_in": 60}
    )
    token = (await admin.call("POST", "/tyk/keys/create", {"org_id": "default", "apply_policies": ["trial"]})).json()[
        "key"
    ]
    first = await stored(admin, token)
    assert first["expires"] >= int(first["last_updated"]) + 60
    await admin.call("PUT", f"/tyk/keys/{token}", {"org_id": "default", "apply_policies": ["trial"], "expires": 0})
    assert "expires" not in await stored(admin, token)


async def test_a_policy_of_another_organisation_ends_no_key(admin, definition):
    await add_api(admin, definition)
    for policy_id, org_id, lives_s in (("own", "default", 0), ("foreign", "other", 60), ("nobodys", "", 60)):
        policy = {"id": policy_id, "org_id": org_id, "access_rights": RIGHTS, "key_expires_in": lives_s}
        await admin.call("POST", "/tyk/policies", policy)
    key = {"org_id": "default", "apply_policies": ["own", "foreign", "nobodys"]}
    token = (await admin.call("POST", "/tyk/keys/create", key)).json()["key"]
    assert "expires" not in await stored(admin, token)


async def test_policies_by_hash(make_admin):
    admin = make_admin(hash_keys=True)
    name = (await admin.call("POST", "/tyk/keys/custom-1", session())).json()["key_hash"]
    answer = await admin.call("POST", f"/tyk/keys/policy/{name}", {"policy": "p2", "apply_policies": ["p1"]})
    assert answer.json() == {"key": name, "status": "ok", "action": "updated"}
    assert (await stored(admin, name))["apply_policies"] == ["p1", "p2"]
    assert await admin.said("POST", "/tyk/keys/policy/none", {}) == (404, "Key not found")
    assert await admin.said("POST", f"/tyk/keys/policy/{name}", {"policy": 1}) == (400, "Couldn't decode instruction")


async def test_preview_stores_nothing(admin):
    body = (await admin.call("POST", "/tyk/keys/preview", session())).json()
    assert body["access_rights"] == RIGHTS
    assert (await admin.call("GET", "/tyk/keys")).json() == {"keys": []}


async def test_time_to_live_is_the_apis(admin, definition):
    await add_api(admin, definition, session_lifetime=100)
    token = (await admin.call("POST", "/tyk/keys/create", session())).json()["key"]
    assert 98 < await admin.node.store.ttl_s(names.session(token)) <= 100


async def test_delete_everywhere_answers_null(admin):
    token = (await admin.call("POST", "/tyk/keys/create", session())).json()["key"]
    answer = await admin.call("DELETE", f"/tyk/keys/{token}?api_id=-1")
    assert (answer.status_code, answer.text) == (200, "null\n")


async def test_periods_without_an_end_make_keys_that_can_be_read(admin, definition):
    await add_api(admin, definition)
    longest = (1 << 63) - 1
    policy = {"id": "p", "org_id": "default", "access_rights": RIGHTS, "quota_renewal_rate": longest}
    await admin.call("POST", "/tyk/policies", {**policy, "key_expires_in": longest})
    for body, field in (
        (session(quota_renewal_rate=longest), "quota_renews"),
        (session(apply_policies=["p"]), "expires"),
    ):
        key = (await admin.call("POST", "/tyk/keys/create", body)).json()["key"]
        assert (await admin.call("GET", f"/tyk/keys/{key}")).json()[field] == longest
    await admin.call("POST", "/tyk/org/keys/default?reset_quota=1", session(quota_renewal_rate=longest))
    assert (await admin.call("GET", "/tyk/org/keys/default")).json()["quota_renews"] == longest


async def test_what_is_no_session_can_be_replaced_and_removed(make_admin, definition):
    admin = make_admin(hash_keys=True)
    await add_api(admin, definition)
    made = (await admin.call("POST", "/tyk/keys/custom", session())).json()
    name, path = names.session(made["key_hash"]), f"/tyk/keys/{made['key_hash']}?hashed=1"
    for call in (("POST", "/tyk/keys/custom", session()), ("DELETE", f"/tyk/keys/{made['key']}"), ("DELETE", path)):
        await admin.node.store.set(name, b"{broken")
        assert (await admin.call("GET", path)).status_code == 503
        assert (await admin.call(*call)).status_code == 200
        assert (await admin.call("GET", path)).status_code == (200 if call[0] == "POST" else 404)
