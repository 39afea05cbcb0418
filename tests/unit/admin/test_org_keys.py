"""Sessions of organisations (contract 04.7)."""

from __future__ import annotations

import pytest

from sluicegate.chain.counter_names import org_counter
from sluicegate.store import names

SESSION = {"rate": 10, "per": 1, "quota_max": 3, "quota_renewal_rate": 60, "org_id": "default"}


async def test_life_of_an_organisation(admin, definition):
    await admin.call("POST", "/tyk/apis", definition())
    path = "/tyk/org/keys/default"
    assert await admin.said("GET", path) == (404, "Org not found")
    assert (await admin.call("POST", path, SESSION)).json() == {"key": "default", "status": "ok", "action": "added"}
    assert (await admin.call("PUT", path, SESSION)).json()["action"] == "modified"
    shown = (await admin.call("GET", path)).json()
    assert (shown["quota_max"], shown.get("quota_renews")) == (3, None)
    await admin.call("PUT", f"{path}?reset_quota=1", SESSION)
    shown = (await admin.call("GET", path)).json()
    assert shown["quota_renews"] == int(shown["last_updated"]) + 60
    assert (await admin.call("GET", "/tyk/org/keys")).json() == {"keys": ["default"]}
    assert (await admin.call("DELETE", path)).json()["action"] == "deleted"
    assert await admin.said("DELETE", path) == (400, "Failed to remove the key")


async def test_without_apis(make_admin):
    admin = make_admin(suppress_default_org_store=True)
    assert await admin.said("GET", "/tyk/org/keys") == (404, "ORG not found")
    assert await admin.said("DELETE", "/tyk/org/keys/default") == (404, "Org not found")
    assert await admin.said("POST", "/tyk/org/keys/default", SESSION) == (
        404,
        "No such organisation found in Active API list",
    )


@pytest.mark.parametrize("settings", [{}, {"hash_keys": True, "storage": {"type": "redis"}}])
async def test_a_quota_begins_anew_on_demand(make_admin, definition, settings):
    admin = make_admin(**settings)
    await admin.call("POST", "/tyk/apis", definition())
    limiter = admin.node.services.limiter
    counter = names.quota(org_counter("default", admin.node.settings))
    limiter.quota(counter, 3, 60)
    await admin.call("PUT", "/tyk/org/keys/default", SESSION)
    used = await limiter.quota_used(counter)
    assert used is not None
    assert used[0] == 1
    await admin.call("PUT", "/tyk/org/keys/default?reset_quota=1", SESSION)
    assert await limiter.quota_used(counter) is None
