"""The OAuth server of an API, but for its other grants: contract 08.5, RFC 6749."""

from __future__ import annotations

import asyncio
import base64
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.fakes.exchange import make_api, make_version
from tests.fakes.oauth_site import Site, refusal

from sluicegate.apidef.oauth import OAuthClient
from sluicegate.middleware.answers.oauth_endpoints import OAuthEndpoints


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.mark.parametrize(
    "path", ["/a/oauth/token", "/a/oauth/token/", "/a/o%61uth/authorize", "/a/oauth/revoke_all", "/a1/oauth/token"]
)
def test_its_paths(site: Site, path: str) -> None:
    exchange = site.exchange("/", None, {})
    exchange.request.path = path.encode()
    assert site.step.owns(exchange)


@pytest.mark.parametrize(
    "path",
    ["/a/", "/a/oauth/", "/a/oauth/token/x", "/a/x/oauth/token", "/a/oauth/revoke/", "/a1", "/a2/oauth/token", "/a/%6"],
)
def test_not_its_paths(site: Site, path: str) -> None:
    exchange = site.exchange("/", None, {})
    exchange.request.path = path.encode()
    assert not site.step.owns(exchange)


def test_it_is_there_when_asked_for(site: Site) -> None:
    assert OAuthEndpoints.from_definition(make_api(), make_version(), site.services) is None
    keyless = make_api(use_oauth2=True, use_keyless=True)
    assert OAuthEndpoints.from_definition(keyless, make_version(), site.services) is not None


async def test_methods(site: Site) -> None:
    for path in ("/a/oauth/token/", "/a/oauth/authorize"):
        assert (await site.ask(path, method="PUT")).said == {"status": "error", "message": "Method not supported"}
    for path in ("/a/tyk/oauth/authorize-client", "/a/oauth/revoke", "/a/oauth/revoke_all"):
        assert (await site.ask(path, method="GET")).status == 405
    assert refusal(await site.ask("/a/oauth/token", method="GET")) == (403, "invalid_request")


# the code, and the token for it


async def test_the_owner_agrees_and_the_client_gets_a_token_for_the_code(site: Site) -> None:
    answer = await site.agree(state="a b", scope="read")
    code = answer.said["code"]
    assert len(code) == 22
    assert answer.headers[b"Content-Type"] == b"text/plain; charset=utf-8"
    assert answer.said == {
        "code": code,
        "redirect_to": f"http://client.test/back?code={code}&state=a+b",
        "state": "a b",
    }
    answer = await site.token(grant_type="authorization_code", code=code, redirect_uri="http://client.test/back")
    said = answer.said
    assert list(said) == ["access_token", "expires_in", "refresh_token", "scope", "token_type"]
    assert (said["expires_in"], said["scope"], said["token_type"]) == (3600, "read", "bearer")
    assert answer.headers[b"Cache-Control"] == b"no-cache, no-store, must-revalidate"
    assert answer.headers[b"X-Frame-Options"] == b"DENY"
    session = await site.session(said["access_token"])
    assert (session.rate, session.oauth_client_id) == (3, "1234")
    assert abs(session.expires - time.time() - 3600) < 5
    assert dict(session.meta_data) == {"foo": "own", "client": "meta"}
    assert site.sent == [
        (
            "http://hook.test/",
            "shh",
            {
                "auth_code": code,
                "new_oauth_token": said["access_token"],
                "refresh_token": said["refresh_token"],
                "old_refresh_token": "",
                "notification_type": "new",
            },
        )
    ]


async def test_a_code_counts_once_however_many_show_it_at_once(site: Site) -> None:
    code = await site.code()
    answers = await asyncio.gather(*(site.token(grant_type="authorization_code", code=code) for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [200] + [403] * 9
    assert refusal(await site.token(grant_type="authorization_code", code=code)) == (403, "invalid_grant")
    assert len(site.sent) == 1


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"code": ""}, "invalid_grant"),
        ({"code": "another"}, "invalid_grant"),
        ({"code": "a" * 2000}, "invalid_grant"),
        ({"redirect_uri": "http://client.test/else"}, "invalid_request"),
        ({"redirect_uri": "http://client.test/back/below"}, "invalid_request"),
    ],
)
async def test_codes_that_do_not_count(site: Site, form: dict[str, str], error: str) -> None:
    code = await site.code()
    asked = {"grant_type": "authorization_code", "code": code, **form}
    assert refusal(await site.token(**asked)) == (403, error)
    assert (await site.token(grant_type="authorization_code", code=code)).status == 200  # it was not used up


async def test_the_code_of_another_client_does_not_count(site: Site) -> None:
    code = await site.code()
    await site.services.oauth.records.write_client("a1", "default", OAuthClient("5", "cc", "http://client.test/back"))
    other = {"Authorization": "Basic " + base64.b64encode(b"5:cc").decode()}
    assert refusal(await site.token(other, grant_type="authorization_code", code=code)) == (403, "invalid_grant")
    assert (await site.token(grant_type="authorization_code", code=code)).status == 200


async def test_rules_that_are_no_session_mean_the_policy(site: Site) -> None:
    for rules in ("", "{"):
        code = await site.code(key_rules=rules)
        said = (await site.token(grant_type="authorization_code", code=code)).said
        session = await site.session(said["access_token"])
        assert (session.rate, list(session.apply_policies)) == (7, ["p1"])


# who may ask


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, "invalid_request"),
        ({"Authorization": "Bearer x"}, "invalid_request"),
        ({"Authorization": "Basic ???"}, "invalid_request"),
        ({"Authorization": "Basic " + base64.b64encode(b"1234").decode()}, "invalid_request"),
        ({"Authorization": "Basic " + base64.b64encode(b"1234:wrong").decode()}, "unauthorized_client"),
        ({"Authorization": "Basic " + base64.b64encode(b"nobody:aabb").decode()}, "server_error"),
    ],
)
async def test_clients_that_are_not_who_they_say(site: Site, headers: dict[str, str], error: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": "1234", "client_secret": "aabb"}
    answer = await site.token(headers, **form)
    assert refusal(answer) == (403, error)
    assert answer.said["error_description"].startswith("The ")
    assert answer.headers[b"Content-Type"] == b"application/json"


@pytest.mark.parametrize("client", [OAuthClient("1234", "aabb"), OAuthClient("1234", "", "http://client.test/")])
async def test_clients_without_an_address_or_a_secret_get_nothing(site: Site, client: OAuthClient) -> None:
    shown = {"Authorization": "Basic " + base64.b64encode(f"1234:{client.secret}".encode()).decode()}
    answer = await site.ask("/a/oauth/token", {"grant_type": "client_credentials"}, shown, client=client)
    assert refusal(answer) == (403, "unauthorized_client")


async def test_only_the_owner_agrees(site: Site) -> None:
    for shown in ({}, {"X-Tyk-Authorization": "wrong"}):
        answer = await site.agree(shown)
        message = "Attempted administrative access with invalid or missing key!"
        assert (answer.status, answer.said) == (403, {"status": "error", "message": message})
    assert (await Site({"secret": ""}).agree({"X-Tyk-Authorization": ""})).status == 403


@pytest.mark.parametrize("grant", ["", "assertion", "made_up"])
async def test_grants_that_are_not_served(site: Site, grant: str) -> None:
    form = {"grant_type": grant, "assertion": "a", "assertion_type": "b"}
    assert refusal(await site.token(**form)) == (403, "unsupported_grant_type")


async def test_only_what_the_definition_allows() -> None:
    site = Site(allowed_access_types=["authorization_code"], allowed_authorize_types=["code"])
    assert refusal(await site.token(grant_type="client_credentials")) == (403, "unsupported_grant_type")
    assert refusal(await site.agree(response_type="token")) == (403, "unsupported_response_type")
    said = (await site.token(grant_type="authorization_code", code=await site.code())).said
    assert list(said) == ["access_token", "expires_in", "token_type"]  # nobody could use a refresh token


async def test_the_status_of_errors_is_a_setting() -> None:
    site = Site({"oauth_error_status_code": 400})
    assert refusal(await site.token(grant_type="made_up")) == (400, "unsupported_grant_type")
    assert (await site.ask("/a/oauth/authorize", {"response_type": "code"})).status == 400


# the token without a code


async def test_the_implicit_flow(site: Site) -> None:
    said = (await site.agree(response_type="token", state="x&y#z")).said
    assert list(said) == ["access_token", "expires_in", "redirect_to", "state", "token_type"]
    address = urlsplit(said["redirect_to"])
    assert address._replace(fragment="").geturl() == "http://client.test/back"
    assert parse_qs(address.fragment) == {
        "access_token": [said["access_token"]],
        "expires_in": ["3600"],
        "state": ["x&y#z"],
        "token_type": ["bearer"],
    }
    assert (await site.session(said["access_token"])).rate == 3


async def test_the_browser_is_sent_to_the_page_of_the_owner(site: Site) -> None:
    query = "response_type=code&client_id=1234&redirect_uri=http%3A%2F%2Fclient.test%2Fback&state=s"
    answer = await site.ask(f"/a/oauth/authorize/?{query}", method="GET")
    assert (answer.status, answer.body) == (307, b"")
    assert answer.headers[b"Location"] == b"http://login.test/page?" + query.encode()
    answer = await site.ask("/a/oauth/authorize", {"response_type": "code", "client_id": "1234"})
    assert (answer.status, answer.headers[b"Location"]) == (307, b"http://login.test/page")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"client_id": "nobody"}, "The authorization server encountered an unexpected condition"),
        ({"client_id": "n" * 5000}, "The authorization server encountered an unexpected condition"),
        ({"redirect_uri": "http://elsewhere.test/"}, "The request is missing a required parameter"),
        ({"response_type": ""}, "The authorization server does not support obtaining a token using this method."),
    ],
)
async def test_browsers_that_are_not_sent_on(site: Site, form: dict[str, str], text: str) -> None:
    answer = await site.ask("/a/oauth/authorize", {"response_type": "code", "client_id": "1234", **form})
    assert (answer.status, answer.said["status"]) == (403, "error")
    assert answer.said["message"].startswith(text)


async def test_an_error_goes_to_a_known_address_alone(site: Site) -> None:
    said = (await site.agree(redirect_uri="http://elsewhere.test/", state="s")).said
    assert said["redirect_to"].startswith("http://client.test/back?error=invalid_request&error_description=The+request")
    assert "redirect_to" not in (await site.agree(client_id="nobody")).said
    odd = OAuthClient("1234", "aabb", "http://[", policyid="p1")
    assert (await site.agree(client=odd)).said["error"] == "invalid_request"


# the end of tokens


async def test_whoever_has_a_token_may_end_it(site: Site) -> None:
    said = (await site.token(grant_type="authorization_code", code=await site.code())).said
    assert (await site.ask("/a/oauth/revoke", {})).said["message"] == "token is required"
    form = {"token": said["access_token"], "token_type_hint": "access_token"}
    answer = await site.ask("/a/oauth/revoke", form)
    assert (answer.status, answer.said) == (200, {"status": "ok", "message": "token revoked successfully"})
    assert not await site.store.exists(f"apikey-{said['access_token']}")
    assert (await site.ask("/a/oauth/revoke", {"token": said["refresh_token"]})).status == 200
    form = {"grant_type": "refresh_token", "refresh_token": said["refresh_token"]}
    assert refusal(await site.token(**form)) == (403, "invalid_grant")
    assert (await site.ask("/a/oauth/revoke", {"token": "t" * 5000})).status == 200


async def test_a_client_may_end_all_its_tokens(site: Site) -> None:
    tokens = [(await site.token(grant_type="client_credentials")).said["access_token"] for _ in range(3)]
    for form, expected in (
        ({}, (401, "client_id is required")),
        ({"client_id": "1234"}, (401, "client_secret is required")),
        ({"client_id": "nobody", "client_secret": "x"}, (404, "oauth client doesn't exist")),
        ({"client_id": "1234", "client_secret": "x"}, (401, "client secret is wrong")),
        ({"client_id": "1234", "client_secret": "aabb"}, (200, "tokens revoked successfully")),
    ):
        answer = await site.ask("/a/oauth/revoke_all", form)
        assert (answer.status, answer.said["message"]) == expected
    assert not any([await site.store.exists(f"apikey-{token}") for token in tokens])
