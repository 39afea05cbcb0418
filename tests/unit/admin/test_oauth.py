"""Clients and tokens of the OAuth server: contract 04.9."""

from __future__ import annotations

import base64
import time
import uuid
from typing import Any

import pytest

from sluicegate.apidef.oauth import AccessData, OAuthClient
from sluicegate.apidef.session import Session
from sluicegate.store.tokens import make_token

RIGHTS = {"a1": {"api_id": "a1"}, "open": {"api_id": "open"}}
POLICIES = {
    "p1": {"id": "p1", "org_id": "default", "active": True, "access_rights": RIGHTS},
    "p2": {"id": "p2", "org_id": "default", "active": True, "access_rights": {"a1": {"api_id": "a1"}}},
    "else": {"id": "else", "org_id": "default", "active": True, "access_rights": {"open": {"api_id": "open"}}},
    "lost": {"id": "lost", "org_id": "default", "active": True, "access_rights": {"gone": {"api_id": "gone"}}},
}
CLIENT: dict[str, Any] = {
    "client_id": "c1",
    "redirect_uri": "http://client.test",
    "api_id": "a1",
    "policy_id": "p1",
    "secret": "s1",
    "meta_data": {"b": 1, "a": "<"},
    "description": "mine",
}
ANSWERED = {name: value for name, value in CLIENT.items() if name != "api_id"}


@pytest.fixture
async def site(admin, definition):
    for api_id, fields in (("a1", {"use_oauth2": True}), ("a2", {"use_oauth2": True, "org_id": "other"}), ("open", {})):
        await admin.call("POST", "/tyk/apis", definition(api_id, f"/{api_id}/", **fields))
    for name, policy in POLICIES.items():
        await admin.call("POST", f"/tyk/policies/{name}", policy)
    return admin


async def make_tokens(site, count: int, client_id: str = "c1", expires_in: int = 1000) -> list[str]:
    oauth, made = site.node.services.oauth, []
    for number in range(count):
        token = make_token("default", f"{uuid.uuid4().hex}", "murmur64")
        access = AccessData(OAuthClient(client_id), access_token=token, refresh_token=f"r{number}", expires_in=1000)
        session = Session(expires=int(time.time()) + expires_in + number)
        await oauth.issue("a1", access, session, session_ttl_s=1000, refresh_ttl_s=1000)
        made.append(token)
    return made


async def test_a_client_is_made(site):
    answer = await site.call("POST", "/tyk/oauth/clients/create", CLIENT)
    assert (answer.status_code, answer.text) == (
        200,
        '{"client_id":"c1","redirect_uri":"http://client.test","policy_id":"p1","secret":"s1",'
        '"meta_data":{"a":"\\u003c","b":1},"description":"mine"}\n',
    )
    assert (await site.call("GET", "/tyk/oauth/clients/a1/c1")).json() == ANSWERED
    assert (await site.call("GET", "/tyk/oauth/clients/a1/")).json() == [ANSWERED]


async def test_what_is_not_said_of_a_client_is_made_up(site):
    made = (await site.call("POST", "/tyk/oauth/clients/create", {"api_id": "a1"})).json()
    assert len(made["client_id"]) == 32 and "policy_id" not in made
    assert len(base64.b64decode(made["secret"])) == 36
    assert made["meta_data"] is None


async def test_a_client_of_a_policy_is_one_of_each_of_its_apis_that_know_clients(site, definition):
    await site.call("POST", "/tyk/oauth/clients/create", {"client_id": "c1", "policy_id": "p1"})
    assert (await site.call("GET", "/tyk/oauth/clients/a1/c1")).status_code == 200
    assert (await site.call("GET", "/tyk/oauth/clients/open/c1")).status_code == 404
    assert (await site.call("GET", "/tyk/oauth/clients/open")).json() == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"api_id": "none"}, (400, "API doesn't exist")),
        ({"api_id": "open"}, (400, "API is not OAuth2")),
        ({"policy_id": "none"}, (400, "Policy doesn't exist")),
        ({}, (400, "Policy doesn't exist")),
        ({"policy_id": "else"}, (400, "API is not OAuth2")),
        ({"policy_id": "lost"}, (400, "API doesn't exist")),
        ({"client_id": 1}, (500, "Unmarshalling failed")),
    ],
)
async def test_clients_that_are_not_made(site, body, expected):
    assert await site.said("POST", "/tyk/oauth/clients/create", body) == expected


async def test_clients_that_are_not_there(site):
    answer = await site.call("GET", "/tyk/oauth/clients/none")
    assert (answer.status_code, answer.text) == (404, "null\n")
    missing = (404, "OAuth Client ID not found")
    for path in ("none/c1", "a1/none", "none/c1/tokens"):
        assert await site.said("GET", f"/tyk/oauth/clients/{path}") == missing
    assert await site.said("PUT", "/tyk/oauth/clients/a1/none", {}) == missing
    assert await site.said("PUT", "/tyk/oauth/clients/a1/none/rotate") == missing
    assert await site.said("PUT", "/tyk/oauth/clients/none/c1/rotate") == (404, "API doesn't exist")
    for path in ("none/c1", "open/c1"):
        assert await site.said("DELETE", f"/tyk/oauth/clients/{path}") == missing


async def test_what_may_change_of_a_client(site):
    await site.call("POST", "/tyk/oauth/clients/create", CLIENT)
    body = {"client_id": "else", "secret": "else", "policy_id": "p2", "redirect_uri": "http://new.test"}
    changed = (await site.call("PUT", "/tyk/oauth/clients/a1/c1", body)).json()
    assert changed == {**ANSWERED, "policy_id": "p2", "redirect_uri": "http://new.test", "meta_data": None} | {
        "description": ""
    }
    for path, body, expected in (
        ("a1/c1", {"policy_id": "none"}, (404, "Policy doesn't exist")),
        (
            "a1/c1",
            {"policy_id": "else"},
            (400, "Policy access rights doesn't contain API this OAuth client belongs to"),
        ),
        ("none/c1", {}, (404, "API doesn't exist")),
        ("a1/c1", {"policy_id": 1}, (500, "Unmarshalling failed")),
    ):
        assert await site.said("PUT", f"/tyk/oauth/clients/{path}", body) == expected
    assert (await site.call("GET", "/tyk/oauth/clients/a1/c1")).json() == changed


async def test_another_policy_ends_the_tokens(site):
    await site.call("POST", "/tyk/oauth/clients/create", CLIENT)
    tokens = await make_tokens(site, 2)
    told: list[str] = []

    async def tell(names):
        told.extend(names)

    site.node.services.oauth.tell = tell
    await site.call("PUT", "/tyk/oauth/clients/a1/c1", {"policy_id": "p1"})
    assert len((await site.call("GET", "/tyk/oauth/clients/a1/c1/tokens")).json()) == 2
    await site.call("PUT", "/tyk/oauth/clients/a1/c1", {"policy_id": "p2"})
    assert (await site.call("GET", "/tyk/oauth/clients/a1/c1/tokens")).json() == []
    assert sorted(told) == sorted(tokens)


async def test_a_new_secret(site):
    await site.call("POST", "/tyk/oauth/clients/create", CLIENT)
    rotated = (await site.call("PUT", "/tyk/oauth/clients/a1/c1/rotate")).json()
    assert rotated == {**ANSWERED, "secret": rotated["secret"]} and rotated["secret"] != "s1"
    assert (await site.call("GET", "/tyk/oauth/clients/a1/c1")).json() == rotated


async def test_a_client_is_removed(site):
    await site.call("POST", "/tyk/oauth/clients/create", CLIENT)
    for _ in range(2):  # also when it is not there
        answer = await site.call("DELETE", "/tyk/oauth/clients/a1/c1")
        assert answer.json() == {"key": "c1", "status": "ok", "action": "deleted"}
    assert (await site.call("GET", "/tyk/oauth/clients/a1")).json() == []


async def test_which_apis_have_a_client(site):
    for api_id in ("a1", "a2"):
        await site.call("POST", "/tyk/oauth/clients/create", {**CLIENT, "api_id": api_id})
    for query, expected in (("", ["a1", "a2"]), ("?orgID=default", ["a1"]), ("?orgID=none", [])):
        assert sorted((await site.call("GET", f"/tyk/oauth/clients/apis/c1{query}")).json()) == expected
    assert (await site.call("GET", "/tyk/oauth/clients/apis/none")).json() == []


async def test_tokens_are_listed_by_pages(site):
    await make_tokens(site, 103)
    await make_tokens(site, 1, expires_in=-10)
    listed = (await site.call("GET", "/tyk/oauth/clients/a1/c1/tokens")).json()
    assert len(listed) == 103 and set(listed[0]) == {"code", "expires"}
    for page, number, start, end in (("1", 1, 0, 100), ("2", 2, 100, 103), ("3", 3, 103, 103), ("-3", 1, 0, 100)):
        body = (await site.call("GET", f"/tyk/oauth/clients/a1/c1/tokens?page={page}")).json()
        assert body == {
            "Pagination": {"page_num": number, "page_total": 2, "page_size": 100},
            "Tokens": listed[start:end],
        }
    assert (await site.call("GET", "/tyk/oauth/clients/a1/c1/tokens?page=x")).json()["Pagination"]["page_num"] == 1
    body = (await site.call("GET", "/tyk/oauth/clients/a1/none/tokens?page=1")).json()
    assert body == {"Pagination": {"page_num": 1, "page_total": 0, "page_size": 100}, "Tokens": []}


async def test_a_refresh_token_is_removed(site):
    await make_tokens(site, 1)
    for path, expected in (
        ("r0", (400, "Missing parameter api_id")),
        ("r0?api_id=none", (404, "API for this refresh token not found")),
        ("r0?api_id=open", (400, "OAuth is not enabled on this API")),
    ):
        assert await site.said("DELETE", f"/tyk/oauth/refresh/{path}") == expected
    answer = await site.call("DELETE", "/tyk/oauth/refresh/r0?api_id=a1")
    assert answer.json() == {"key": "r0", "status": "ok", "action": "deleted"}
    assert await site.node.services.oauth.records.refresh("a1", "r0") is None
    assert len((await site.call("GET", "/tyk/oauth/clients/a1/c1/tokens")).json()) == 1


async def test_a_token_is_ended(site):
    await site.call("POST", "/tyk/oauth/clients/create", CLIENT)
    tokens = await make_tokens(site, 2)
    for form, expected in (
        ({}, (400, "token is required")),
        ({"token": tokens[0]}, (400, "client_id is required")),
        ({"token": tokens[0], "client_id": "none"}, (400, "oauth client doesn't exist")),
        ({"token": tokens[0], "client_id": "c1", "org_id": "other"}, (400, "oauth client doesn't exist")),
        ({"token": tokens[0], "client_id": "c1"}, (200, "token revoked successfully")),
    ):
        assert await site.said("POST", "/tyk/oauth/revoke", data=form) == expected
    listed = (await site.call("GET", "/tyk/oauth/clients/a1/c1/tokens")).json()
    assert [one["code"] for one in listed] == tokens[1:]
    assert await site.said("POST", "/tyk/oauth/revoke", {"token": "x"}) == (400, "token is required")  # no form


async def test_all_tokens_of_a_client_are_ended(site):
    await site.call("POST", "/tyk/oauth/clients/create", CLIENT)
    await make_tokens(site, 2)
    for form, expected, left in (
        ({}, (401, "client_id is required"), 2),
        ({"client_id": "c1"}, (401, "client_secret is required"), 2),
        ({"client_id": "none", "client_secret": "s1"}, (404, "oauth client doesn't exist"), 2),
        ({"client_id": "c1", "client_secret": "wrong"}, (200, "tokens revoked successfully"), 2),
        ({"client_id": "c1", "client_secret": "s1"}, (200, "tokens revoked successfully"), 0),
    ):
        assert await site.said("POST", "/tyk/oauth/revoke_all", data=form) == expected
        assert len((await site.call("GET", "/tyk/oauth/clients/a1/c1/tokens")).json()) == left
    assert await site.node.services.oauth.records.refresh("a1", "r0") is None


async def test_lapsed_tokens_are_purged(site):
    await make_tokens(site, 1, expires_in=-10)
    place = "oauth-data.a1.oauth-client-tokens.c1"
    assert await site.said("DELETE", "/tyk/oauth/tokens") == (422, "scope parameter is required")
    assert await site.said("DELETE", "/tyk/oauth/tokens?scope=expired") == (400, "unknown scope")
    assert await site.node.store.exists(place)
    assert await site.said("DELETE", "/tyk/oauth/tokens/?scope=lapsed") == (200, "lapsed tokens purged")
    assert not await site.node.store.exists(place)
