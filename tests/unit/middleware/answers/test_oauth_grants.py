"""Tokens for a client's own secret, for a refresh token and for a password: contract 08.5, RFC 6749."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import bcrypt
import pytest
from tests.fakes.exchange import session_of
from tests.fakes.oauth_site import SHOWN, Site, refusal

from sluicegate.apidef import gojson
from sluicegate.apidef.oauth import OAuthClient
from sluicegate.apidef.session import Session


@pytest.fixture
def site() -> Site:
    return Site()


async def test_client_credentials(site: Site) -> None:
    said = (await site.token(grant_type="client_credentials", scope="s")).said
    assert list(said) == ["access_token", "expires_in", "scope", "token_type"]
    session = await site.session(said["access_token"])
    assert (session.rate, session.org_id, list(session.apply_policies)) == (7, "default", ["p1"])
    assert list(session.access_rights) == ["a1"]
    assert dict(session.meta_data) == {"foo": "bar", "client": "meta"}


async def test_no_policy_no_token(site: Site) -> None:
    client = OAuthClient("1234", "aabb", "http://client.test/", policyid="gone")
    answer = await site.ask("/a/oauth/token", {"grant_type": "client_credentials"}, SHOWN, client=client)
    assert refusal(answer) == (403, "server_error")


async def test_a_body_of_json(site: Site) -> None:
    shown = {**SHOWN, "Content-Type": "application/json"}
    answer = await site.ask("/a/oauth/token", b'{"grant_type":"client_credentials"}', shown)
    assert answer.status == 200
    for broken in (b"{", b'{"grant_type":1}', b"\xff"):
        assert refusal(await site.ask("/a/oauth/token", broken, shown)) == (403, "unsupported_grant_type")


async def test_a_refresh_token_counts_once_and_ends_its_token(site: Site) -> None:
    first = (await site.token(grant_type="authorization_code", code=await site.code(scope="a b"))).said
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "scope": "a"}
    answers = await asyncio.gather(*(site.token(**form) for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [200] + [403] * 9
    (second,) = [answer.said for answer in answers if answer.status == 200]
    assert second["scope"] == "a" and second["refresh_token"] != first["refresh_token"]
    assert not await site.store.exists(f"apikey-{first['access_token']}")
    assert (await site.session(second["access_token"])).rate == 3
    assert site.sent[-1][2]["notification_type"] == "refresh"
    assert site.sent[-1][2]["old_refresh_token"] == first["refresh_token"]
    third = (await site.token(grant_type="refresh_token", refresh_token=second["refresh_token"])).said
    record = await site.services.oauth.records.refresh("a1", third["refresh_token"])
    assert record is not None and record.access_data is not None
    assert record.access_data.access_token == second["access_token"]
    assert record.access_data.access_data is None


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"refresh_token": ""}, "invalid_grant"),
        ({"refresh_token": "another"}, "invalid_grant"),
        ({"scope": "a more"}, "access_denied"),
    ],
)
async def test_refresh_tokens_that_do_not_count(site: Site, form: dict[str, str], error: str) -> None:
    first = (await site.token(grant_type="authorization_code", code=await site.code(scope="a"))).said
    asked = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], **form}
    assert refusal(await site.token(**asked)) == (403, error)
    assert await site.store.exists(f"apikey-{first['access_token']}")


async def test_the_refresh_token_of_another_client(site: Site) -> None:
    first = (await site.token(grant_type="authorization_code", code=await site.code())).said
    await site.services.oauth.records.write_client("a1", "default", OAuthClient("5", "cc", "http://client.test/back"))
    other = {"Authorization": "Basic " + base64.b64encode(b"5:cc").decode()}
    answer = await site.token(other, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert refusal(answer) == (403, "invalid_client")


def user(password: str, hash_type: str = "") -> Session:
    return session_of(rate=5, org_id="default", basic_auth_data={"password": password, "hash_type": hash_type})


HASHED = bcrypt.hashpw(b"secret", bcrypt.gensalt(4, b"2a")).decode()


@pytest.mark.parametrize("algorithm", ["", "murmur64"])
@pytest.mark.parametrize("stored", [user("secret"), user(HASHED, "bcrypt")], ids=["plain", "bcrypt"])
async def test_a_user_with_a_password(stored: Session, algorithm: str) -> None:
    site = Site({"hash_key_function": algorithm})
    name = (
        "defaultjane" if not algorithm else base64.b64encode(b'{"org":"default","id":"jane","h":"murmur64"}').decode()
    )
    await site.store.set(f"apikey-{name}", gojson.encode(stored), 500)
    form = {"grant_type": "password", "username": "jane", "password": "secret"}
    first = (await site.token(**form)).said
    assert list(first) == ["access_token", "expires_in", "refresh_token", "token_type"]
    session = await site.session(first["access_token"])
    assert session.rate == 5 and not session.basic_auth_data.password
    kept = await site.session(name)
    assert dict(kept.oauth_keys) == {"1234": first["access_token"]}
    assert kept.basic_auth_data == stored.basic_auth_data
    assert 490 < await site.store.ttl_s(f"apikey-{name}") <= 500
    second = (await site.token(**form)).said  # and the first ends
    assert not await site.store.exists(f"apikey-{first['access_token']}")
    assert await site.store.exists(f"apikey-{second['access_token']}")
    for wrong in ({"password": "wrong"}, {"username": "john"}):
        assert refusal(await site.token(**{**form, **wrong})) == (403, "access_denied")
    for missing in ("username", "password"):
        assert refusal(await site.token(**{**form, missing: ""})) == (403, "invalid_grant")


async def test_what_is_done_to_a_user_while_the_password_is_worked_out_stays_done(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_out, meanwhile = site.services.passwords.work_out, user("other", "")

    async def slowly(*asked: Any) -> bool:
        fits = await work_out(*asked)
        if meanwhile is None:
            await site.store.delete("apikey-defaultjane")
        else:
            await site.store.set("apikey-defaultjane", gojson.encode(meanwhile), 100)
        return fits

    monkeypatch.setattr(site.services.passwords, "work_out", slowly)
    form = {"grant_type": "password", "username": "jane", "password": "secret"}
    await site.store.set("apikey-defaultjane", gojson.encode(user(HASHED, "bcrypt")))
    token = (await site.token(**form)).said["access_token"]
    kept = await site.session("defaultjane")
    assert (kept.basic_auth_data.password, dict(kept.oauth_keys)) == ("other", {"1234": token})
    await site.store.set("apikey-defaultjane", gojson.encode(user(HASHED, "bcrypt")))
    meanwhile = None
    assert (await site.token(**form)).status == 200
    assert not await site.store.exists("apikey-defaultjane"), "a user who was removed does not come back"


async def test_a_user_who_has_expired(site: Site) -> None:
    expired = session_of(org_id="default", expires=1000, basic_auth_data={"password": "secret"})
    await site.store.set("apikey-defaultjane", gojson.encode(expired))
    form = {"grant_type": "password", "username": "jane", "password": "secret"}
    assert refusal(await site.token(**form)) == (403, "access_denied")


async def test_a_key_without_a_password_is_no_user(site: Site) -> None:
    await site.store.set("apikey-defaultjane", b'{"org_id":"default"}')
    form = {"grant_type": "password", "username": "jane", "password": "x"}
    assert refusal(await site.token(**form)) == (403, "access_denied")


async def test_too_many_passwords_to_check(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(site.services.passwords), "is_crowded", True)
    answer = await site.token(grant_type="password", username="jane", password="x")
    assert refusal(answer) == (503, "temporarily_unavailable")
