"""A write over the gateway API is in force on every worker when its 200 goes out, or has changed nothing."""

from __future__ import annotations

import concurrent.futures
import json
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from tests.gateway import SECRET, Gateway, api, on_every_worker, paths, until
from tests.servers import free_port
from tests.upstreams import Upstream
from tests.wire import get, request

WORKERS = 2
TRIES = 12
"""Connections that are opened to meet every worker; the kernel spreads them."""


@pytest.fixture
def gateway(tmp_path, upstream: Upstream) -> Iterator[Gateway]:
    (tmp_path / "policies").mkdir()
    conf = {"policies": {"policy_path": str(tmp_path / "policies")}, "disable_ports_whitelist": True}
    with Gateway(tmp_path, apis=[api("/first/", upstream.url)], conf=conf, workers=WORKERS) as one:
        yield one


def statuses(gateway: Gateway, path: str, *fields: str) -> set[int]:
    """Return the statuses that many new connections get."""
    return {gateway.ask(get(path, *fields)).status for _ in range(TRIES)}


def is_refused(port: int) -> bool:
    """Return whether nobody listens on a port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def done(answer: tuple[int, Any]) -> Any:
    """Return the body of an answer that must be a success."""
    status, body = answer
    assert status == 200, body
    return body


def test_definitions(gateway: Gateway, upstream: Upstream) -> None:
    assert statuses(gateway, "/new/x") == {404}
    done(gateway.admin("POST", "/tyk/apis", api("/new/", upstream.url, api_id="one")))
    assert statuses(gateway, "/new/x") == {200}
    done(gateway.admin("PUT", "/tyk/apis/one", api("/moved/", upstream.url, api_id="one")))
    assert statuses(gateway, "/new/x") == {404}
    assert statuses(gateway, "/moved/x") == {200}
    done(gateway.admin("DELETE", "/tyk/apis/one"))
    assert statuses(gateway, "/moved/x") == {404}
    assert statuses(gateway, "/first/x") == {200}


def test_the_last_definition_can_be_removed(gateway: Gateway) -> None:
    done(gateway.admin("DELETE", "/tyk/apis/first"))
    assert statuses(gateway, "/first/x") == {404}
    assert list(gateway.apps.iterdir()) == []
    assert done(gateway.admin("GET", "/tyk/apis")) == []


def test_what_cannot_be_served_is_refused_and_nothing_has_changed(gateway: Gateway, upstream: Upstream) -> None:
    broken = {"version_data": paths(ignored=[{"path": "/a(", "method_actions": {"GET": {"action": "no_action"}}}])}
    files = {path.name: path.read_bytes() for path in gateway.apps.iterdir()}
    for method, path, definition in (
        ("PUT", "/tyk/apis/first", api("/first/", upstream.url, **broken)),
        ("POST", "/tyk/apis", api("/second/", upstream.url, **broken)),
    ):
        status, body = gateway.admin(method, path, definition)
        assert status == 400
        assert body["message"].startswith("Validation of API Definition failed. Reason: ")
        assert "a(" in body["message"]
    assert {path.name: path.read_bytes() for path in gateway.apps.iterdir()} == files
    assert statuses(gateway, "/first/x") == {200}
    assert statuses(gateway, "/second/x") == {404}


def test_what_is_refused_is_put_back_although_its_client_hangs_up(gateway: Gateway, upstream: Upstream) -> None:
    file = gateway.apps / "0000-first.json"
    before = file.read_bytes()
    broken = paths(ignored=[{"path": "/a(", "method_actions": {"GET": {"action": "no_action"}}}])
    body = json.dumps(api("/first/", upstream.url, version_data=broken)).encode()
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGSTOP)  # no worker hears of the reload
    try:
        with gateway.raw() as client:
            client.send(request("PUT", "/tyk/apis/first", f"X-Tyk-Authorization: {SECRET}", body=body))
            until(lambda: file.read_bytes() != before)
            client.reset()
        assert on_every_worker(lambda: gateway.ask(get("/hello")).status == 200), "each has seen it go"
    finally:
        gateway.process.send_signal(signal.SIGCONT)
    until(lambda: file.read_bytes() == before, "the file is as it was")
    assert statuses(gateway, "/first/x") == {200}


def test_a_broken_neighbour_is_nobody_elses_fault(gateway: Gateway, upstream: Upstream) -> None:
    (gateway.apps / "anew.json").write_text("broken")
    done(gateway.admin("POST", "/tyk/apis", api("/new/", upstream.url)))
    assert statuses(gateway, "/new/x") == {200}


def test_oas_documents(gateway: Gateway, upstream: Upstream) -> None:
    extension: dict[str, Any] = {
        "info": {"id": "o1", "name": "pets", "state": {"active": True}},
        "upstream": {"url": upstream.url},
        "server": {"listenPath": {"value": "/pets/", "strip": True}},
    }
    info = {"title": "Pets", "version": "1"}
    document = {"openapi": "3.0.3", "info": info, "paths": {}, "x-tyk-api-gateway": extension}
    done(gateway.admin("POST", "/tyk/apis/oas", document))
    assert statuses(gateway, "/pets/x") == {200}
    extension["server"]["listenPath"]["value"] = "/dogs/"
    done(gateway.admin("PUT", "/tyk/apis/oas/o1", document))
    assert statuses(gateway, "/pets/x") == {404}
    assert statuses(gateway, "/dogs/x") == {200}
    done(gateway.admin("DELETE", "/tyk/apis/oas/o1"))
    assert statuses(gateway, "/dogs/x") == {404}


def test_keys_and_policies(gateway: Gateway, upstream: Upstream) -> None:
    keyed = api("/keyed/", upstream.url, use_keyless=False, use_standard_auth=True)
    keyed["auth"] = {"auth_header_name": "Authorization"}
    done(gateway.admin("POST", "/tyk/apis", keyed))
    policy = {"id": "gold", "org_id": "org", "access_rights": {"keyed": {"versions": ["Default"]}}, "active": True}
    done(gateway.admin("POST", "/tyk/policies", {**policy, "quota_max": -1}))
    made = done(gateway.admin("POST", "/tyk/keys/create", {"org_id": "org", "apply_policies": ["gold"]}))
    bearer = f"Authorization: {made['key']}"
    assert statuses(gateway, "/keyed/x", bearer) == {200}
    done(gateway.admin("PUT", "/tyk/policies/gold", {**policy, "is_inactive": True}))
    assert statuses(gateway, "/keyed/x", bearer) == {403}
    done(gateway.admin("PUT", "/tyk/policies/gold", policy))
    assert statuses(gateway, "/keyed/x", bearer) == {200}
    done(gateway.admin("DELETE", f"/tyk/keys/{made['key_hash']}?hashed=true"))
    assert statuses(gateway, "/keyed/x", bearer) == {403}


def test_writes_at_once_don_t_mix(gateway: Gateway, upstream: Upstream) -> None:
    definitions = [api(f"/at-once-{number}/", upstream.url) for number in range(6)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        for answer in pool.map(lambda one: gateway.admin("POST", "/tyk/apis", one), definitions):
            done(answer)
    for definition in definitions:
        assert statuses(gateway, definition["proxy"]["listen_path"]) == {200}
        assert json.loads((gateway.apps / f"{definition['api_id']}.json").read_text())["name"] == definition["name"]


def test_versions_that_are_made_and_removed_at_once_are_all_among_those_of_their_base(
    gateway: Gateway, upstream: Upstream
) -> None:
    names = [f"v{number}" for number in range(6)]
    query = "base_api_id=first&base_api_version_name=base&new_version_name="

    def make(name: str) -> None:
        done(gateway.admin("POST", f"/tyk/apis?{query}{name}", api(f"/{name}/", upstream.url)))

    def versions() -> list[str]:
        return [one["versionName"] for one in done(gateway.admin("GET", "/tyk/apis/first/versions"))["apis"]]

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(make, names))
        assert versions() == ["base", *names]
        for answer in pool.map(lambda name: gateway.admin("DELETE", f"/tyk/apis/{name}"), names[1:]):
            done(answer)
        assert versions() == ["base", "v0"]


def test_what_survives_the_death_of_the_node(gateway: Gateway, upstream: Upstream) -> None:
    done(gateway.admin("POST", "/tyk/apis", api("/kept/", upstream.url)))
    made = done(gateway.admin("POST", "/tyk/keys/create", {"org_id": "org", "access_rights": {"first": {}}}))
    gateway.kill()
    until(lambda: is_refused(gateway.port), "the last worker is gone")
    gateway.start()
    assert statuses(gateway, "/kept/x") == {200}
    assert gateway.admin("GET", f"/tyk/keys/{made['key']}")[0] == 200


def test_a_port_of_its_own(tmp_path, upstream: Upstream) -> None:
    conf = {"control_api_port": free_port(), "enable_config_inspection": True}
    with Gateway(tmp_path, apis=[api("/a/", upstream.url)], conf=conf) as gateway:
        assert gateway.admin("GET", "/tyk/apis")[0] == 200
        assert gateway.admin("GET", "/config?field=listen_address")[1]["value"] == "127.0.0.1"
        for path in ("/tyk/apis", "/hello", "/config"):
            assert gateway.ask(get(path)).status == 404
        with gateway.raw(port=conf["control_api_port"]) as control:
            assert control.ask(get("/a/x")).status == 404
