"""A worker that is replaced while a file of the node is broken: the new one serves what the node served."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from tests.gateway import KEYED, SESSION, START_PATIENCE_S, Gateway, api, merged, until
from tests.upstreams import Upstream
from tests.wire import ClosedError, get

POLICY = {"gold": {"id": "gold", "org_id": "org", "rate": -1, "per": -1, "quota_max": -1, "active": True}}


def replace_workers(gateway: Gateway) -> None:
    """End all workers by force, and wait until others serve."""
    before = set(gateway.worker_pids())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(set(gateway.worker_pids()) - before) == gateway.workers, "others have begun", START_PATIENCE_S)
    until(lambda: status(gateway, "/ready"), "one of them listens", START_PATIENCE_S)
    gateway.admin("GET", "/hello")


def status(gateway: Gateway, path: str, key: str = "") -> int:
    """Return the status of an answer, 0 when there is none."""
    try:
        return gateway.ask(get(path, f"Authorization: {key}")).status
    except (OSError, ClosedError):
        return 0


def break_file(gateway: Gateway, name: str) -> None:
    (gateway.apps / name).write_text('{"name": ')


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("is_seen", [False, True], ids=["nobody has read it", "a reload has refused it"])
def test_a_definition_that_was_broken_is_served_as_before(
    tmp_path: Path, upstream: Upstream, workers: int, is_seen: bool
) -> None:
    apis = [api("/a/", upstream.url), api("/b/", upstream.url)]
    with Gateway(tmp_path, apis=apis, workers=workers) as gateway:
        break_file(gateway, "0000-a.json")
        if is_seen:
            gateway.reload()
        replace_workers(gateway)
        assert {status(gateway, path) for path in ["/a/x", "/b/x"] * 10} == {200}
        until(lambda: f"{gateway.apps}/0000-a.json" in gateway.log, "the last to begin refuses it by name")

        gateway.stop()
        gateway.start()
        assert [status(gateway, path) for path in ("/a/x", "/b/x")] == [404, 200], (
            "a node that starts has nothing to keep"
        )


def test_what_is_kept_is_what_was_last_in_force(tmp_path: Path, upstream: Upstream) -> None:
    with Gateway(tmp_path, apis=[api("/a/", upstream.url, api_id="one"), api("/b/", upstream.url)]) as gateway:
        gateway.write_api(api("/c/", upstream.url, api_id="one"), "0000-one.json")
        (gateway.apps / "0001-b.json").unlink()
        gateway.reload()
        assert [status(gateway, path) for path in ("/a/x", "/b/x", "/c/x")] == [404, 404, 200]
        gateway.write_api(api("/b/", upstream.url), "0001-b.json")
        break_file(gateway, "0001-b.json")
        break_file(gateway, "0000-one.json")
        for _ in range(2):  # the one that takes over leaves as much to the next
            replace_workers(gateway)
            assert [status(gateway, path) for path in ("/a/x", "/b/x", "/c/x")] == [404, 404, 200]


def test_a_folder_that_is_empty_or_gone_empties_nothing(tmp_path: Path, upstream: Upstream) -> None:
    with Gateway(tmp_path, apis=[api("/a/", upstream.url)]) as gateway:
        (gateway.apps / "0000-a.json").rename(tmp_path / "elsewhere")
        replace_workers(gateway)
        assert status(gateway, "/a/x") == 200
        shutil.rmtree(gateway.apps)
        gateway.apps.write_text("not a folder")
        replace_workers(gateway)
        assert status(gateway, "/a/x") == 200


def test_policies_that_were_broken_are_those_from_before(tmp_path: Path, upstream: Upstream) -> None:
    definition = api("/a/", upstream.url, **KEYED)
    policies = merged(POLICY, {"gold": {"access_rights": SESSION["access_rights"]}})
    with Gateway(tmp_path, apis=[definition], policies=policies) as gateway:
        code, made = gateway.admin("POST", "/tyk/keys", {"org_id": "org", "apply_policies": ["gold"]})
        assert code == 200, made
        for broken in ("{", json.dumps({"gold": {"rate": "many"}})):
            (tmp_path / "policies.json").write_text(broken)
            replace_workers(gateway)
            assert status(gateway, "/a/x", made["key"]) == 200


def test_the_gateway_api_removes_for_the_next_worker_too(tmp_path: Path, upstream: Upstream) -> None:
    with Gateway(tmp_path, apis=[api("/a/", upstream.url), api("/b/", upstream.url)]) as gateway:
        assert gateway.admin("DELETE", "/tyk/apis/a")[0] == 200
        assert gateway.admin("DELETE", "/tyk/apis/b")[0] == 200
        replace_workers(gateway)
        assert [status(gateway, path) for path in ("/a/x", "/b/x")] == [404, 404]
