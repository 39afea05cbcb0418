"""What is written in files comes into force as a whole, or not at all; it is never worse than before."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.gateway import KEYED, Gateway, api, paths, until
from tests.upstreams import Upstream
from tests.wire import get

BROKEN_PATTERN = {"version_data": paths(ignored=[{"path": "/a(", "method_actions": {"GET": {"action": "no_action"}}}])}


@pytest.fixture
def gateway(tmp_path: Path, upstream: Upstream) -> Iterator[Gateway]:
    apis = [api("/a/", upstream.url), api("/b/", upstream.url)]
    with Gateway(tmp_path, apis=apis, workers=2) as one:
        one.reload()  # it is ready when one worker is; this waits for the other's first load
        yield one


def file_of(gateway: Gateway, api_id: str) -> Path:
    (found,) = gateway.apps.glob(f"*-{api_id}.json")
    return found


def statuses(gateway: Gateway, path: str, *fields: str) -> set[int]:
    """Return what several new connections get, so that every worker is met."""
    return {gateway.ask(get(path, *fields)).status for _ in range(12)}


def test_sighup_reloads(gateway: Gateway, upstream: Upstream) -> None:
    gateway.write_api(api("/new/", upstream.url))
    assert statuses(gateway, "/new/x") == {404}
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: statuses(gateway, "/new/x") == {200})


def test_a_bad_definition_is_refused_by_name_and_hurts_no_other(gateway: Gateway, upstream: Upstream) -> None:
    (gateway.apps / "0-broken.json").write_text('{"api_id": ')
    (gateway.apps / "0-typed.json").write_text('{"api_id": "t", "proxy": {"listen_path": 7}}')
    gateway.write_api(api("/pattern/", upstream.url, **BROKEN_PATTERN))
    gateway.write_api(api("/good/", upstream.url))
    gateway.reload()
    assert statuses(gateway, "/good/x") == statuses(gateway, "/a/x") == {200}
    assert statuses(gateway, "/pattern/x") == {404}
    for name in ("0-broken.json", "0-typed.json", "pattern.json"):
        assert sum(name in line for line in gateway.log.splitlines()) == 1, "said once, not by every worker"


@pytest.mark.parametrize("content", ["", '{"api_id": "a", "proxy": 7}', json.dumps(api("/moved/", **BROKEN_PATTERN))])
def test_a_definition_that_becomes_bad_keeps_its_route(gateway: Gateway, content: str) -> None:
    file_of(gateway, "a").write_text(content.replace('"moved"', '"a"'))
    gateway.reload()
    assert statuses(gateway, "/a/x") == statuses(gateway, "/b/x") == {200}
    assert statuses(gateway, "/moved/x") == {404}
    assert "0000-a.json" in gateway.log


def test_a_definition_that_is_gone_is_served_no_more(gateway: Gateway) -> None:
    file_of(gateway, "a").unlink()
    gateway.reload()
    assert statuses(gateway, "/a/x") == {404}
    assert statuses(gateway, "/b/x") == {200}


def test_an_empty_folder_or_none_keeps_the_table(gateway: Gateway, upstream: Upstream) -> None:
    for one in gateway.apps.iterdir():
        one.unlink()
    gateway.reload()
    assert statuses(gateway, "/a/x") == {200}
    gateway.apps.rmdir()
    gateway.reload()
    assert statuses(gateway, "/a/x") == {200}
    gateway.apps.write_text("not a folder")
    gateway.reload()
    assert statuses(gateway, "/a/x") == {200}
    assert "No definitions found, going on with those in force" in gateway.log
    gateway.apps.unlink()
    gateway.apps.mkdir()
    gateway.write_api(api("/b/", upstream.url))
    gateway.reload()
    assert (statuses(gateway, "/a/x"), statuses(gateway, "/b/x")) == ({404}, {200})


def test_a_folder_that_comes_later_is_found(tmp_path: Path, upstream: Upstream) -> None:
    with Gateway(tmp_path, conf={"app_path": str(tmp_path / "later")}) as gateway:
        shutil.copytree(gateway.apps, tmp_path / "later")
        (tmp_path / "later" / "a.json").write_text(json.dumps(api("/a/", upstream.url)))
        gateway.reload()
        assert statuses(gateway, "/a/x") == {200}


def test_the_same_listen_path_twice(gateway: Gateway, upstream: Upstream) -> None:
    gateway.write_api(api("/a/", upstream.url, api_id="late", name="late"))
    gateway.reload()
    served = {one["api_id"]: one["proxy"]["listen_path"] for one in gateway.admin("GET", "/tyk/apis")[1]}
    assert served == {"a": "/a/", "b": "/b/", "late": "/a/-late"}
    assert statuses(gateway, "/a/-late/x") == statuses(gateway, "/a/x") == {200}
    file_of(gateway, "a").unlink()
    gateway.reload()
    (left,) = [one for one in gateway.admin("GET", "/tyk/apis")[1] if one["api_id"] == "late"]
    assert left["proxy"]["listen_path"] == "/a/"


def test_the_same_id_twice(gateway: Gateway, upstream: Upstream) -> None:
    gateway.write_api(api("/other/", upstream.url, api_id="a"), "zz.json")
    gateway.reload()
    assert (statuses(gateway, "/a/x"), statuses(gateway, "/other/x")) == ({200}, {404})
    assert 'the api_id \\"a\\" is taken by 0000-a.json' in gateway.log


def policy(**more: Any) -> dict[str, Any]:
    rights = {"keyed": {"api_id": "keyed", "versions": ["Default"]}}
    return {"org_id": "org", "active": True, "rate": 1000, "per": 1, "quota_max": -1, "access_rights": rights, **more}


def test_a_broken_policy_file_keeps_the_policies(tmp_path: Path, upstream: Upstream) -> None:
    apis = [api("/keyed/", upstream.url, **KEYED)]
    with Gateway(tmp_path, apis=apis, policies={"gold": policy(), "iron": policy()}, workers=2) as gateway:
        keys = {}
        for name in ("gold", "iron"):
            status, made = gateway.admin("POST", "/tyk/keys/create", {"org_id": "org", "apply_policies": [name]})
            assert status == 200, made
            keys[name] = f"Authorization: {made['key']}"
        file = tmp_path / "policies.json"
        for content in ('{"gold"', "[]", '{"gold": {"rate": "fast"}, "iron": {"rate": []}}'):
            file.write_text(content)
            gateway.reload()
            assert statuses(gateway, "/keyed/x", keys["gold"]) == {200}
        file.unlink()
        gateway.reload()
        assert statuses(gateway, "/keyed/x", keys["gold"]) == {200}
        file.write_text(json.dumps({"iron": policy()}))
        gateway.reload()
        assert statuses(gateway, "/keyed/x", keys["gold"]) == {403}
        assert statuses(gateway, "/keyed/x", keys["iron"]) == {200}


def test_one_broken_file_among_policies_keeps_that_policy(tmp_path: Path, upstream: Upstream) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    for name in ("gold", "iron"):
        (folder / f"{name}.json").write_text(json.dumps(policy(id=name)))
    conf = {"policies": {"policy_path": str(folder)}}
    with Gateway(tmp_path, apis=[api("/keyed/", upstream.url, **KEYED)], conf=conf) as gateway:
        _, made = gateway.admin("POST", "/tyk/keys/create", {"org_id": "org", "apply_policies": ["gold"]})
        (folder / "gold.json").write_text("{")
        (folder / "iron.json").unlink()
        gateway.reload()
        assert statuses(gateway, "/keyed/x", f"Authorization: {made['key']}") == {200}
        assert {one["id"] for one in gateway.admin("GET", "/tyk/policies")[1]} == {"gold"}


def test_requests_under_way_end_with_the_definition_they_began_with(tmp_path: Path) -> None:
    gone = threading.Event()

    def slow(wire: Any, upstream: Upstream) -> None:
        upstream.take(wire)
        assert gone.wait(20)
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with (
        Upstream(slow) as upstream,
        Gateway(tmp_path, apis=[api("/old/", upstream.url, api_id="one")]) as gateway,
        gateway.raw() as client,
    ):
        client.send(get("/old/x"))
        upstream.await_requests(1)
        gateway.write_api(api("/moved/", upstream.url, api_id="one"), "0000-one.json")
        gateway.reload()
        assert gateway.ask(get("/old/x")).status == 404
        gone.set()
        assert client.read_answer().body == b"ok"
        assert client.ask(get("/moved/x")).body == b"ok"


def test_many_reloads_at_once_are_all_answered(gateway: Gateway) -> None:
    answers: list[int] = []

    def reload() -> None:
        answers.append(gateway.admin("GET", "/tyk/reload?block=true")[0])

    threads = [threading.Thread(target=reload) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 12
