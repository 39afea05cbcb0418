"""Settings that the nodes of a cluster share, over a real Redis; what each of them does is in the effects' tests."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from tests.contract.cluster.test_documents import write
from tests.gateway import Gateway, api, on_every_worker, until
from tests.nodes import call, mock, node, nodes, said
from tests.servers import RedisServer, running_redis
from tests.shelves import opened
from tests.wire import ClosedError, get

from sluicegate.cluster.document import SETTINGS_KEY, Content, Key
from sluicegate.cluster.documents import Change, Documents

PATH = "/tyk/cluster/settings"
UNCLEAN = {"http_server_options": {"skip_url_cleaning": True}}
"""With them `/a//` is served, without it is 301."""

TLS_UP = "https://127.0.0.1:1/"
NO_CIPHERS = {"proxy_ssl_ciphers": ["TLS_OF_NOBODY"]}
"""With them no API can be built that has a target of TLS."""


def serves(gateway: Gateway, *, unclean: bool) -> bool:
    return said(gateway, "/a//") == (b"text" if unclean else 301)


def write_past_the_nodes(redis: RedisServer, folder: Path, *contents: Content) -> None:
    """Commit documents as a node of another version may, that finds nothing wrong with them."""

    async def commit() -> None:
        async with opened("redis", folder, redis.options) as shelf:
            await write(Documents(shelf), *(Change(content.key, content) for content in contents))

    asyncio.run(commit())


def settings_of(document: dict[str, Any]) -> Content:
    return Content(*SETTINGS_KEY, json.dumps(document).encode())


def test_they_are_in_force_on_all_nodes_until_they_are_deleted(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 2, workers=2, apis=[mock("/a/", "text")]) as (one, other):
        assert call(one, "GET", PATH)[0] == 404
        assert serves(one, unclean=False)
        assert call(one, "PUT", PATH, UNCLEAN, If_None_Match="*")[1]["etag"] == '"1"'
        assert all(serves(one, unclean=True) for _ in range(8)), "on every worker, when it is answered"
        until(lambda: on_every_worker(lambda: serves(other, unclean=True)))
        status, headers, document = call(other, "GET", PATH)
        assert (status, headers["etag"], document) == (200, '"1"', UNCLEAN)
        assert call(other, "PUT", PATH, {"min_token_length": 4}, If_Match='"9"')[0] == 412
        assert call(other, "DELETE", PATH, If_Match='"9"')[0] == 412
        assert serves(other, unclean=True)
        status, headers, _ = call(other, "PUT", PATH, {"min_token_length": 4}, If_Match='"1"')
        assert (status, headers["etag"]) == (200, '"2"')
        until(lambda: on_every_worker(lambda: serves(one, unclean=False)))
        assert one.admin("PUT", PATH, UNCLEAN)[0] == 200
        until(lambda: on_every_worker(lambda: serves(other, unclean=True)))
        assert other.admin("DELETE", PATH)[0] == 200
        until(lambda: on_every_worker(lambda: serves(one, unclean=False)))
        assert call(one, "GET", PATH)[0] == 404
        until(lambda: one.admin("GET", "/tyk/cluster/status")[1]["converged"])


def test_what_is_not_to_be_shared_is_refused_by_name(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 1, apis=[api("/s/", TLS_UP)]) as (one,):
        wrong = {
            "secret": "x",
            "listen_port": 1,
            "proxy_default_timout": 3,
            "min_token_length": "x",
            "statsd_prefix": "v",
        }
        status, body = one.admin("PUT", PATH, wrong)
        assert status == 400
        for part in (
            "Validation of settings failed.",
            "secret: is not shared: it is a secret, or guards one",
            "listen_port: is not shared: it says who a node is",
            "unknown setting; did you mean proxy_default_timeout?",
            "min_token_length: expected a number, found",
            "statsd_prefix: is not shared: it is known, but not honoured yet",
        ):
            assert part in body["message"]
        for bad in (
            {},
            [],
            {"error_overrides": {"x": []}},
            {"proxy_ssl_min_version": 772, "proxy_ssl_max_version": 771},
        ):
            assert one.admin("PUT", PATH, bad)[0] == 400, bad
        status, body = one.admin("PUT", PATH, NO_CIPHERS)
        assert (status, "0000-s.json" in body["message"]) == (400, True), "an API in force could not be served by them"
        assert one.admin("GET", "/tyk/cluster/status")[1]["generation"] == 0
        assert one.admin("PUT", PATH, UNCLEAN)[0] == 200


def test_settings_and_apis_change_together_or_not_at_all(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 2) as (one, other):
        both = [{"kind": "settings", "document": UNCLEAN}, {"kind": "api", "document": mock("/a/", "text")}]
        bad = {"kind": "api", "document": api("/b/", "ftp://nowhere")}
        assert one.admin("POST", "/tyk/cluster/apply", {"changes": [*both, bad]})[0] == 400
        assert call(one, "GET", PATH)[0] == 404
        bad = {"kind": "settings", "id": "other", "document": UNCLEAN}
        assert one.admin("POST", "/tyk/cluster/apply", {"changes": [bad]})[0] == 400
        assert one.admin("POST", "/tyk/cluster/apply", {"changes": both})[1]["generation"] == 1
        assert serves(one, unclean=True)
        until(lambda: serves(other, unclean=True))
        gone = [{"kind": "settings", "action": "delete"}, {"kind": "api", "id": "a", "action": "delete"}]
        assert one.admin("POST", "/tyk/cluster/apply", {"changes": gone})[1]["generation"] == 2
        until(lambda: said(other, "/a/") == 404)


def test_a_node_says_what_its_own_file_has_otherwise(redis_server, tmp_path):
    conf = {"http_server_options": {"skip_url_cleaning": False}, "min_token_length": 4}
    environ = {"TYK_GW_IGNOREENDPOINTCASE": "false"}
    with node(tmp_path / "node", redis_server, conf=conf, environ=environ) as one:
        shared = {**UNCLEAN, "min_token_length": 4, "ignore_endpoint_case": True, "proxy_default_timeout": 5}
        assert one.admin("PUT", PATH, shared)[0] == 200
        problems = one.admin("GET", "/tyk/cluster/status")[1]["nodes"][0]["problems"]
        assert len(problems) == 2, problems
        said_of = "is otherwise in the settings of the cluster, which are served"
        assert f"http_server_options.skip_url_cleaning: {said_of}" in problems[0]
        assert f"TYK_GW_IGNOREENDPOINTCASE: ignore_endpoint_case: {said_of}" in problems[1]
        until(lambda: one.log.count(said_of) == 2)
        assert one.admin("DELETE", PATH)[0] == 200
        assert one.admin("GET", "/tyk/cluster/status")[1]["nodes"][0]["problems"] == []


def test_settings_that_a_node_cannot_use_leave_in_force_what_was(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 1, apis=[mock("/a/", "text"), api("/s/", TLS_UP)]) as (one,):
        assert one.admin("PUT", PATH, UNCLEAN)[0] == 200
        for document, reason in (
            ({"setting_of_tomorrow": 1}, "setting_of_tomorrow: unknown setting"),
            (NO_CIPHERS, "what is served could not be any more"),
        ):
            write_past_the_nodes(redis_server, tmp_path, settings_of(document))
            until(lambda reason=reason: reason in one.log)
            assert serves(one, unclean=True)
            status = one.admin("GET", "/tyk/cluster/status")[1]
            assert not status["converged"]
            (problem,) = status["nodes"][0]["problems"]
            assert "settings/gateway is refused" in problem
            assert reason in problem
        assert one.admin("PUT", PATH, {"min_token_length": 4})[0] == 200
        assert serves(one, unclean=False)
        assert one.admin("GET", "/tyk/cluster/status")[1]["converged"]


def test_an_api_that_comes_with_unusable_settings_is_served(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 1, apis=[api("/s/", TLS_UP)]) as (one,):
        text = json.dumps(mock("/a/", "text")).encode()
        write_past_the_nodes(redis_server, tmp_path, settings_of(NO_CIPHERS), Content("api", "a", text))
        until(lambda: said(one, "/a/") == b"text")
        assert "settings/gateway" in one.log


def test_a_worker_that_takes_the_place_of_another_goes_by_them(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 1, apis=[mock("/a/", "text")], conf={"enable_config_inspection": True}) as (
        one,
    ):
        assert one.admin("PUT", PATH, UNCLEAN)[0] == 200
        (old,) = one.worker_pids()
        os.kill(old, signal.SIGKILL)
        until(lambda: one.worker_pids() not in ([], [old]) and _answers(one))
        assert serves(one, unclean=True)
        shown = one.admin("GET", "/config?field=http_server_options.skip_url_cleaning")[1]
        assert shown["value"] == "true", "the settings that are shown are those in force"


def test_documents_of_an_unknown_kind_are_named(redis_server, tmp_path, monkeypatch):
    monkeypatch.setattr("sluicegate.cluster.document.KINDS", ("api", "policy", "settings", "plugin"))
    with nodes(tmp_path, redis_server, 1) as (one,):
        write_past_the_nodes(redis_server, tmp_path, Content("plugin", "p", b"{}"))
        until(lambda: "store: plugin/p: documents of this kind are not known to this version" in one.log)
        assert str(Key("plugin", "p")) in str(one.admin("GET", "/tyk/cluster/status")[1]["nodes"][0]["problems"])


def test_a_node_starts_with_them_while_the_store_is_away(tmp_path):
    with running_redis(tmp_path) as redis:
        one = node(tmp_path / "node", redis, apis=[mock("/a/", "text")])
        with one:
            assert one.admin("PUT", PATH, UNCLEAN)[0] == 200
            snapshot = one.folder / "store.snapshot"
            until(lambda: snapshot.exists() and b"skip_url_cleaning" in snapshot.read_bytes())
    one.is_ready = lambda: "Serving the snapshot of the shared configuration" in one.log  # type: ignore[method-assign]
    with one:
        until(lambda: _answers(one))
        assert serves(one, unclean=True)


def _answers(gateway: Gateway) -> bool:
    try:
        return gateway.ask(get("/hello")).status == 200
    except (OSError, ClosedError):
        return False


def test_no_request_fails_while_they_change(redis_server, tmp_path):
    apis = [mock("/a/", "text"), *(mock(f"/more{number}/", "more") for number in range(50))]
    with nodes(tmp_path, redis_server, 1, apis=apis) as (one,):
        is_over, answers = threading.Event(), []

        def ask() -> None:
            with one.raw() as client:
                while not is_over.is_set():
                    answered = client.ask(get("/a/"))
                    answers.append((answered.status, answered.body))

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            for number in range(20):
                assert one.admin("PUT", PATH, {"proxy_default_timeout": 1 + number})[0] == 200
        finally:
            is_over.set()
            asking.join()
        assert len(answers) > 20
        assert set(answers) == {(200, b"text")}
