"""Users and passwords, as somebody with curl meets them; alone, and together with tokens."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.gateway import Gateway, api
from tests.upstreams import Upstream
from tests.wire import Message, get, request

IDS = ("users", "stripped", "both", "posted")
RIGHTS = {api_id: {"api_id": api_id, "api_name": api_id} for api_id in IDS}
POSTED = {"extract_from_body": True, "body_user_regexp": "user=([^&]*)", "body_password_regexp": "pass=([^&]*)"}


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    def asking(api_id: str, **more: Any) -> dict[str, Any]:
        return api(f"/{api_id}/", upstream.url, use_keyless=False, use_basic_auth=True, **more)

    sources = {"authToken": {"auth_header_name": "X-Key"}, "basic": {"auth_header_name": "Authorization"}}
    both = {"use_standard_auth": True, "auth_configs": sources, "base_identity_provided_by": "auth_token"}
    apis = [
        asking("users"),
        asking("stripped", strip_auth_data=True),
        asking("both", **both),
        asking("posted", basic_auth=POSTED),
    ]
    with Gateway(tmp_path_factory.mktemp("basic"), apis=apis) as one:
        add_user(one, "ann", "an-open-secret")
        yield one


def add_user(gateway: Gateway, name: str, password: str, **more: Any) -> None:
    session = {"org_id": "org", "rate": -1, "per": -1, "quota_max": -1, "access_rights": RIGHTS, **more}
    status, said = gateway.admin("POST", f"/tyk/keys/{name}", {**session, "basic_auth_data": {"password": password}})
    assert status == 200 and said["key"] == "", said


def basic(name: str, password: str) -> str:
    return "Authorization: Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def ask(gateway: Gateway, path: str, *fields: str) -> Message:
    return gateway.ask(get(path, *fields))


def curl(gateway: Gateway, path: str, *options: str) -> tuple[int, str]:
    command = ["curl", "--silent", "--max-time", "30", "--write-out", "\n%{http_code}", *options]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{gateway.port}{path}"], capture_output=True, check=True, text=True
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def test_with_curl(gateway: Gateway) -> None:
    assert curl(gateway, "/users/x", "-u", "ann:an-open-secret")[0] == 200
    status, body = curl(gateway, "/users/x", "-u", "ann:guessed")
    assert (status, json.loads(body)) == (401, {"error": "User not authorised"})
    assert curl(gateway, "/users/x", "-u", "bob:an-open-secret")[0] == 401
    assert curl(gateway, "/users/x", "-u", "ann:an-open-secret:more")[0] == 400
    status, body = curl(gateway, "/users/x")
    assert (status, json.loads(body)) == (401, {"error": "Authorization field missing"})


def test_a_browser_is_told_what_to_ask_for(gateway: Gateway) -> None:
    assert ask(gateway, "/users/x").get(b"www-authenticate") == b'Basic realm="users"'
    assert ask(gateway, "/users/x", basic("ann", "x")).get(b"www-authenticate") == b'Basic realm="users"'


def test_the_upstream_sees_the_password_unless_it_is_stripped(gateway: Gateway) -> None:
    field = basic("ann", "an-open-secret")
    assert field.split(": ")[1].encode() in ask(gateway, "/users/x", field).body
    stripped = ask(gateway, "/stripped/x", field)
    assert stripped.status == 200 and b"Basic " not in stripped.body


def test_a_new_password_counts_at_once(gateway: Gateway) -> None:
    add_user(gateway, "carl", "first")
    assert ask(gateway, "/users/x", basic("carl", "first")).status == 200
    add_user(gateway, "carl", "second")
    assert ask(gateway, "/users/x", basic("carl", "first")).status == 401
    assert ask(gateway, "/users/x", basic("carl", "second")).status == 200
    assert gateway.admin("DELETE", "/tyk/keys/carl?org_id=org")[0] == 200
    assert ask(gateway, "/users/x", basic("carl", "second")).status == 401


def test_a_user_is_a_key(gateway: Gateway) -> None:
    add_user(gateway, "tight", "secret", rate=1, per=100)
    assert ask(gateway, "/users/x", basic("tight", "secret")).status == 200
    assert ask(gateway, "/users/x", basic("tight", "secret")).status == 429
    add_user(gateway, "asleep", "secret", is_inactive=True)
    assert ask(gateway, "/users/x", basic("asleep", "secret")).status == 403
    add_user(gateway, "elsewhere", "secret", access_rights={"both": RIGHTS["both"]})
    assert ask(gateway, "/users/x", basic("elsewhere", "secret")).status == 403


def test_a_key_without_a_password_is_no_user(gateway: Gateway) -> None:
    session = {"org_id": "org", "rate": -1, "per": -1, "quota_max": -1, "access_rights": RIGHTS}
    assert gateway.admin("POST", "/tyk/keys/machine", session)[0] == 200
    assert ask(gateway, "/users/x", basic("machine", "")).status == 401


def test_together_with_a_token_both_have_to_be_right(gateway: Gateway) -> None:
    session = {"org_id": "org", "rate": 1, "per": 100, "quota_max": -1, "access_rights": RIGHTS}
    key = gateway.admin("POST", "/tyk/keys/create", session)[1]["key"]
    good = basic("ann", "an-open-secret")
    assert ask(gateway, "/both/x", good).status == 401
    assert ask(gateway, "/both/x", f"X-Key: {key}").status == 401
    assert ask(gateway, "/both/x", good, "X-Key: wrong").status == 403
    assert ask(gateway, "/both/x", basic("ann", "wrong"), f"X-Key: {key}").status == 401
    assert ask(gateway, "/both/x", good, f"X-Key: {key}").status == 200
    assert ask(gateway, "/both/x", good, f"X-Key: {key}").status == 429, "the limits are those of the token"


def test_in_the_body(gateway: Gateway) -> None:
    body = b"user=ann&pass=an-open-secret"
    answer = gateway.ask(request("POST", "/posted/x", body=body))
    assert answer.status == 200 and body in answer.body
    assert gateway.ask(request("POST", "/posted/x", body=b"user=ann&pass=x")).status == 401
    assert gateway.ask(request("POST", "/posted/x", body=b"user=ann")).status == 400
    assert ask(gateway, "/posted/x").status == 400
    assert gateway.ask(request("POST", "/posted/x", body=b"x" * (1 << 20) + b"x")).status == 413


def test_many_wrong_passwords_keep_nobody_waiting_who_is_known(gateway: Gateway) -> None:
    good = get("/users/x", basic("ann", "an-open-secret"))
    assert gateway.ask(good).status == 200
    with ThreadPoolExecutor(8) as pool:
        guesses = [pool.submit(ask, gateway, "/users/x", basic("ann", f"guess-{number}")) for number in range(16)]
        while not all(one.done() for one in guesses):
            assert gateway.ask(good).status == 200
    assert {one.result().status for one in guesses} == {401}
    assert "an-open-secret" not in gateway.log and "guess-" not in gateway.log
