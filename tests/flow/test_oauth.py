"""An API with an OAuth server, as clients with curl meet it; two workers, the embedded store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.gateway import SECRET, Gateway, api, paths
from tests.upstreams import Upstream, answer
from tests.wire import Message, Wire, get, request

META = {
    "allowed_access_types": ["authorization_code", "refresh_token", "client_credentials", "password"],
    "allowed_authorize_types": ["code", "token"],
    "auth_login_redirect": "http://login.test/",
}
RIGHTS = {"oauth": {"api_id": "oauth", "versions": ["Default"]}}
POLICIES = {
    "p1": {"id": "p1", "org_id": "org", "active": True, "rate": -1, "per": -1, "quota_max": -1, "access_rights": RIGHTS}
}
CLIENT = {
    "client_id": "c1",
    "secret": "client-secret",
    "api_id": "oauth",
    "policy_id": "p1",
    "redirect_uri": "http://client.test/back",
}
RULES = {"org_id": "org", "rate": -1, "per": -1, "quota_max": -1, "access_rights": RIGHTS, "alias": "jane"}
BASIC = "Authorization: Basic YzE6Y2xpZW50LXNlY3JldA=="  # c1:client-secret
FORM = "Content-Type: application/x-www-form-urlencoded"
OWNER = f"X-Tyk-Authorization: {SECRET}"
ONLY_X = [{"path": "/x", "method_actions": {"GET": {"action": "no_action"}}}]


def hooked(wire: Wire, upstream: Upstream) -> None:
    while True:
        upstream.take(wire)
        wire.send(answer(b""))


@pytest.fixture(scope="module")
def owner() -> Iterator[Upstream]:
    """Who is told of new tokens."""
    with Upstream(hooked) as one:
        yield one


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, owner: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    secured = {
        "use_keyless": False,
        "use_oauth2": True,
        "oauth_meta": META,
        "notifications": {"shared_secret": "shh", "oauth_on_keychange_url": f"{owner.url}/told"},
        "CORS": {"enable": True, "allowed_origins": ["*"], "allowed_methods": ["GET", "POST"]},
    }
    versioned = {
        "use_oauth2": True,
        "oauth_meta": META,
        "definition": {"location": "header", "key": "version"},
        "version_data": {"not_versioned": False, "versions": {"v1": {"name": "v1"}}},
    }
    apis = [
        api("/oauth/", upstream.url, **secured, version_data=paths(white_list=ONLY_X)),
        api("/versioned/", upstream.url, **versioned),
        api("/plain/", upstream.url),
    ]
    folder = tmp_path_factory.mktemp("oauth")
    conf = {"hash_key_function": "murmur64"}
    with Gateway(folder, apis=apis, policies=POLICIES, conf=conf, workers=2) as one:
        status, made = one.admin("POST", "/tyk/oauth/clients/create", CLIENT)
        assert status == 200, made
        yield one


def post(gateway: Gateway, path: str, form: dict[str, str], *fields: str) -> Message:
    return gateway.ask(request("POST", path, FORM, *fields, body=urlencode(form).encode()))


def token(gateway: Gateway, *fields: str, **form: str) -> Message:
    return post(gateway, "/oauth/oauth/token/", form, BASIC, *fields)


def agree(gateway: Gateway, **form: str) -> dict[str, Any]:
    asked = {"response_type": "code", "client_id": "c1", "key_rules": json.dumps(RULES), **form}
    said = post(gateway, "/oauth/tyk/oauth/authorize-client/", asked, OWNER)
    assert said.status == 200, said.body
    return json.loads(said.body)  # type: ignore[no-any-return]


def call(gateway: Gateway, access_token: str, path: str = "/oauth/x") -> Message:
    return gateway.ask(get(path, f"Authorization: Bearer {access_token}"))


def refused(message: Message) -> tuple[int, str]:
    return message.status, json.loads(message.body)["error"]


def test_the_whole_way_of_a_code(gateway: Gateway, owner: Upstream) -> None:
    query = "response_type=code&client_id=c1&state=s"
    sent_on = gateway.ask(get(f"/oauth/oauth/authorize/?{query}"))
    assert (sent_on.status, sent_on.get(b"location")) == (307, b"http://login.test/?" + query.encode())
    code = agree(gateway)["code"]
    told = len(owner.requests)
    first = json.loads(token(gateway, grant_type="authorization_code", code=code).body)
    assert call(gateway, first["access_token"]).status == 200
    owner.await_requests(told + 1)
    notice = owner.requests[told]
    assert notice.get(b"x-tyk-shared-secret") == b"shh"
    assert json.loads(notice.body) == {
        "auth_code": code,
        "new_oauth_token": first["access_token"],
        "refresh_token": first["refresh_token"],
        "old_refresh_token": "",
        "notification_type": "new",
    }
    assert refused(token(gateway, grant_type="authorization_code", code=code)) == (403, "invalid_grant")
    second = json.loads(token(gateway, grant_type="refresh_token", refresh_token=first["refresh_token"]).body)
    for _ in range(8):  # whichever worker is asked
        assert refused(call(gateway, first["access_token"])) == (403, "Key not authorised")
    assert call(gateway, second["access_token"]).status == 200


def test_a_code_counts_once_whichever_worker_is_asked(gateway: Gateway) -> None:
    code = agree(gateway)["code"]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: token(gateway, grant_type="authorization_code", code=code).status, range(16)))
    assert sorted(answers) == [200] + [403] * 15


def test_a_refresh_token_counts_once_whichever_worker_is_asked(gateway: Gateway) -> None:
    first = json.loads(token(gateway, grant_type="authorization_code", code=agree(gateway)["code"]).body)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: token(gateway, **form).status, range(16)))
    assert sorted(answers) == [200] + [403] * 15


def test_the_other_grants(gateway: Gateway) -> None:
    implicit = agree(gateway, response_type="token")
    assert call(gateway, implicit["access_token"]).status == 200
    own = json.loads(token(gateway, grant_type="client_credentials").body)
    assert call(gateway, own["access_token"]).status == 200
    user = {**RULES, "basic_auth_data": {"password": "jane's"}}
    assert gateway.admin("POST", "/tyk/keys/jane", user)[0] == 200
    form = {"grant_type": "password", "username": "jane", "password": "jane's"}
    with_password = json.loads(token(gateway, **form).body)
    assert call(gateway, with_password["access_token"]).status == 200
    assert refused(token(gateway, **{**form, "password": "john's"})) == (403, "access_denied")


def test_what_is_no_token_of_a_client(gateway: Gateway) -> None:
    assert refused(gateway.ask(get("/oauth/x"))) == (400, "Authorization field missing")
    assert refused(gateway.ask(get("/oauth/x", BASIC))) == (400, "Bearer token malformed")
    assert refused(call(gateway, "nobody")) == (403, "Key not authorised")
    status, key = gateway.admin("POST", "/tyk/keys/create", RULES)
    assert status == 200
    assert refused(call(gateway, key["key"])) == (403, "Key not authorised. OAuth client access was revoked")


def test_tokens_of_a_client_that_is_gone_are_refused(gateway: Gateway) -> None:
    client = {**CLIENT, "client_id": "c2"}
    assert gateway.admin("POST", "/tyk/oauth/clients/create", client)[0] == 200
    access_token = agree(gateway, client_id="c2", response_type="token")["access_token"]
    assert {call(gateway, access_token).status for _ in range(8)} == {200}
    assert gateway.admin("DELETE", "/tyk/oauth/clients/oauth/c2")[0] == 200
    gone = (403, "Key not authorised. OAuth client access was revoked")
    assert {refused(call(gateway, access_token)) for _ in range(8)} == {gone}, "whichever worker is asked"
    assert gateway.admin("POST", "/tyk/oauth/clients/create", client)[0] == 200
    assert {call(gateway, access_token).status for _ in range(8)} == {200}


def test_tokens_end_on_every_worker_at_once(gateway: Gateway) -> None:
    tokens = [json.loads(token(gateway, grant_type="client_credentials").body)["access_token"] for _ in range(3)]
    for _ in range(8):
        assert {call(gateway, one).status for one in tokens} == {200}
    assert post(gateway, "/oauth/oauth/revoke", {"token": tokens[0]}).status == 200
    for _ in range(8):
        assert [call(gateway, one).status for one in tokens] == [403, 200, 200]
    status, listed = gateway.admin("GET", "/tyk/oauth/clients/oauth/c1/tokens")
    assert status == 200 and len(listed) >= 2
    form = {"client_id": "c1", "client_secret": "client-secret"}
    assert post(gateway, "/oauth/oauth/revoke_all", form).status == 200
    for _ in range(8):
        assert {call(gateway, one).status for one in tokens} == {403}
    assert gateway.admin("GET", "/tyk/oauth/clients/oauth/c1/tokens") == (200, [])


def test_no_list_of_paths_keeps_clients_from_the_server_and_cors_counts(gateway: Gateway) -> None:
    own = json.loads(token(gateway, grant_type="client_credentials").body)["access_token"]
    assert call(gateway, own, "/oauth/y").status == 403  # not on the list
    said = token(gateway, "Origin: http://page.test", grant_type="client_credentials")
    assert (said.status, said.get(b"access-control-allow-origin")) == (200, b"*")
    fields = ("Origin: http://page.test", "Access-Control-Request-Method: POST")
    asked = gateway.ask(request("OPTIONS", "/oauth/oauth/token", *fields))
    assert (asked.status, asked.get(b"access-control-allow-methods")) == (204, b"POST")


def test_it_stands_before_the_versions(gateway: Gateway) -> None:
    said = post(gateway, "/versioned/oauth/token", {"grant_type": "client_credentials"}, BASIC)
    assert refused(said) == (403, "server_error")  # an API of its own, with clients of its own
    assert [gateway.ask(get("/versioned/x", *fields)).status for fields in ((), ("version: v1",))] == [403, 200]


def test_other_apis_have_no_such_paths(gateway: Gateway) -> None:
    assert gateway.ask(get("/plain/oauth/token")).status == 200


def test_a_form_that_is_too_long(gateway: Gateway) -> None:
    said = gateway.ask(request("POST", "/oauth/oauth/token", FORM, BASIC, body=bytes((1 << 20) + 1)))
    assert said.status == 413
    assert token(gateway, grant_type="client_credentials").status == 200


def test_another_policy_ends_the_tokens_of_a_client(gateway: Gateway) -> None:
    client = {**CLIENT, "client_id": "c3"}
    assert gateway.admin("POST", "/tyk/oauth/clients/create", client)[0] == 200
    access_token = agree(gateway, client_id="c3", response_type="token")["access_token"]
    for _ in range(8):
        assert call(gateway, access_token).status == 200
    assert gateway.admin("PUT", "/tyk/oauth/clients/oauth/c3", {**client, "policy_id": ""})[0] == 200
    for _ in range(8):
        assert refused(call(gateway, access_token)) == (403, "Key not authorised")
