"""A key's life: made, used up, changed, gone; by itself and through policies (contract 03, 04.6, 07)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.gateway import Gateway, api
from tests.upstreams import Upstream
from tests.wire import Message, get

RIGHTS = {"one": {"api_id": "one", "api_name": "one"}}
POLICIES = {
    "both": {
        "active": True,
        "rate": 1000,
        "per": 1,
        "quota_max": -1,
        "access_rights": {"one": RIGHTS["one"], "two": {}},
    },
    "tight": {"active": True, "rate": 2, "per": 60, "quota_max": -1, "access_rights": RIGHTS},
    "asleep": {"active": True, "is_inactive": True, "rate": 1000, "per": 1, "quota_max": -1, "access_rights": RIGHTS},
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Gateway]:
    apis = [api(f"/{name}/", upstream.url, use_keyless=False) for name in ("one", "two")]
    policies = {name: {"org_id": "org", **one} for name, one in POLICIES.items()}
    with Gateway(tmp_path_factory.mktemp("keys"), apis=apis, policies=policies) as running:
        yield running


def made(gateway: Gateway, **session: Any) -> str:
    """Return a new key."""
    wanted = {"org_id": "org", "rate": 1000, "per": 1, "quota_max": -1, "access_rights": RIGHTS, **session}
    status, said = gateway.admin("POST", "/tyk/keys/create", wanted)
    assert (status, said["action"]) == (200, "added"), said
    return str(said["key"])


def ask(gateway: Gateway, key: str, path: str = "/one/") -> Message:
    return gateway.ask(get(path, f"Authorization: {key}"))


def refused(answer: Message) -> tuple[int, bytes]:
    return answer.status, answer.body.split(b'"')[3]


def test_what_a_key_may_do(gateway: Gateway) -> None:
    key = made(gateway)
    assert ask(gateway, key).status == 200
    assert ask(gateway, f"Bearer {key}").status == 200
    assert refused(ask(gateway, key, "/two/")) == (403, b"Access to this API has been disallowed")
    assert refused(ask(gateway, key + "x")) == (403, b"Access to this API has been disallowed")
    assert refused(gateway.ask(get("/one/"))) == (401, b"Authorization field missing")


def test_a_quota(gateway: Gateway) -> None:
    key = made(gateway, quota_max=2, quota_renewal_rate=60)
    left = [ask(gateway, key).get(b"x-ratelimit-remaining") for _ in range(2)]
    assert left == [b"1", b"0"]
    assert refused(ask(gateway, key)) == (403, b"Quota exceeded")
    _, session = gateway.admin("GET", f"/tyk/keys/{key}")
    assert session.get("quota_remaining", 0) == 0
    _, said = gateway.admin("PUT", f"/tyk/keys/{key}", {**session, "quota_max": 3})
    assert said["action"] == "modified"
    assert ask(gateway, key).status == 200, "a change of the key begins the quota anew"


def test_a_rate(gateway: Gateway) -> None:
    key = made(gateway, rate=2, per=60)
    assert [ask(gateway, key).status for _ in range(3)] == [200, 200, 429]
    assert refused(ask(gateway, key)) == (429, b"Rate Limit Exceeded")


def test_policies_are_what_counts(gateway: Gateway) -> None:
    key = made(gateway, apply_policies=["both"], access_rights={})
    assert [ask(gateway, key, path).status for path in ("/one/", "/two/")] == [200, 200]
    key = made(gateway, apply_policies=["tight"], access_rights={})
    assert [ask(gateway, key).status for _ in range(3)] == [200, 200, 429]


def test_keys_that_are_over(gateway: Gateway) -> None:
    assert refused(ask(gateway, made(gateway, expires=1_600_000_000))) == (401, b"Key has expired, please renew")
    assert refused(ask(gateway, made(gateway, is_inactive=True))) == (403, b"Key is inactive, please renew")
    asleep = made(gateway, apply_policies=["asleep"], access_rights={})
    assert refused(ask(gateway, asleep)) == (403, b"Key is inactive, please renew")


def test_a_key_that_is_gone(gateway: Gateway) -> None:
    key = made(gateway)
    assert ask(gateway, key).status == 200
    assert gateway.admin("DELETE", f"/tyk/keys/{key}")[0] == 200
    assert refused(ask(gateway, key)) == (403, b"Access to this API has been disallowed")
    assert gateway.admin("GET", f"/tyk/keys/{key}")[0] == 404


def test_a_key_of_ones_own_choosing(gateway: Gateway) -> None:
    session = {"org_id": "org", "rate": 1000, "per": 1, "quota_max": -1, "access_rights": RIGHTS}
    status, said = gateway.admin("POST", "/tyk/keys/my-own", session)
    assert (status, said["action"]) == (200, "added")
    assert ask(gateway, "my-own").status == 200, "by its short name"
    assert ask(gateway, said["key"]).status == 200, "and by the whole token"
    status, _ = gateway.admin("GET", f"/tyk/keys/{said['key_hash']}?hashed=1")
    assert status == 200
