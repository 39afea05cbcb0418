"""Writes to what a cluster shares: at the same moment, on conditions, of several documents, bad ones."""

from __future__ import annotations

import concurrent.futures
from typing import Any

from tests.gateway import Gateway, api, on_every_worker, until
from tests.nodes import UP, call, mock, nodes, said

from sluicegate.store import names


def test_versions_that_two_nodes_make_at_once_are_all_among_those_of_their_base(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 2, workers=2) as both:
        assert both[0].admin("POST", "/tyk/apis", mock("/base/", "base"))[0] == 200
        until(lambda: on_every_worker(lambda: said(both[1], "/base/") == b"base"))
        query = "base_api_id=base&base_api_version_name=base&new_version_name="
        made = [f"v{number}" for number in range(6)]

        def make(number: int) -> int:
            name = made[number]
            return both[number % 2].admin("POST", f"/tyk/apis?{query}{name}", mock(f"/{name}/", name))[0]

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            assert set(pool.map(make, range(6))) == {200}
        until(lambda: on_every_worker(lambda: versions_of(both[0]) == ["base", *made]))


def versions_of(gateway: Gateway) -> list[str]:
    return [one["versionName"] for one in gateway.admin("GET", "/tyk/apis/base/versions")[1]["apis"]]


def test_a_patch_on_one_node_keeps_what_is_put_on_another_at_the_same_moment(redis_server, tmp_path):
    def document(listen_path: str) -> dict[str, Any]:
        extension = {
            "info": {"id": "pets", "name": "pets", "state": {"active": True}},
            "upstream": {"url": UP},
            "server": {"listenPath": {"value": listen_path}},
        }
        return {**plain, "x-tyk-api-gateway": extension}

    def tag(gateway: Gateway) -> str:
        return call(gateway, "GET", where)[1]["etag"]

    plain = {"openapi": "3.0.3", "info": {"title": "Pets", "version": "1"}, "paths": {}}
    where = "/tyk/apis/oas/pets"
    with nodes(tmp_path, redis_server, 2) as (one, other), concurrent.futures.ThreadPoolExecutor(2) as pool:
        status, first, _ = call(one, "POST", "/tyk/apis/oas", document("/begin/"))
        assert status == 200
        until(lambda: other.admin("GET", where)[0] == 200)
        for number in range(10):
            put = pool.submit(one.admin, "PUT", where, document(f"/p{number}/"))
            patch = pool.submit(
                other.admin, "PATCH", where, {**plain, "info": {"title": "Pets", "version": str(number)}}
            )
            assert (put.result()[0], patch.result()[0]) == (200, 200)
            until(lambda: tag(one) == tag(other), "both serve the last of the two")
            served = one.admin("GET", where)[1]["x-tyk-api-gateway"]
            assert served["server"]["listenPath"]["value"] == f"/p{number}/"
        assert call(other, "PATCH", where, plain, If_Match=first["etag"])[0] == 412
        assert call(other, "PATCH", where, plain, If_Match=tag(other))[0] == 200


def test_conditions_of_a_write(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 1) as (one,):
        status, headers, _ = call(one, "POST", "/tyk/apis", mock("/a/", "1"), If_None_Match="*")
        assert (status, headers["etag"]) == (200, '"1"')
        assert call(one, "POST", "/tyk/apis", mock("/a/", "x"), If_None_Match="*")[0] == 412
        assert call(one, "GET", "/tyk/apis/a")[1]["etag"] == '"1"'
        status, headers, _ = call(one, "PUT", "/tyk/apis/a", mock("/a/", "2"), If_Match='"1"')
        assert (status, headers["etag"]) == (200, '"2"')
        status, _, body = call(one, "PUT", "/tyk/apis/a", mock("/a/", "3"), If_Match='"1"')
        assert (status, body["message"]) == (
            412,
            "Not changed: api/a is of generation 2, expected was generation 1",
        )
        assert call(one, "DELETE", "/tyk/apis/a", If_Match='"1"')[0] == 412
        assert said(one, "/a/") == b"2"
        assert one.admin("POST", "/tyk/apis", mock("/b/", "b"))[0] == 200  # generation 3
        for match in ({}, {"If_Match": '"2"'}):  # to what it is already: it stays of generation 2
            status, headers, _ = call(one, "PUT", "/tyk/apis/a", mock("/a/", "2"), **match)
            assert (status, headers["etag"]) == (200, '"2"')
        assert call(one, "DELETE", "/tyk/apis/a", If_Match="*")[0] == 200


def test_several_documents_are_written_together_or_not_at_all(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 1) as (one,):
        good = {"kind": "api", "document": mock("/a/", "a")}
        bad = {"kind": "api", "document": api("/b/", "ftp://nowhere")}
        status, body = one.admin("POST", "/tyk/cluster/apply", {"changes": [good, bad]})
        assert status == 400
        assert "b" in body["message"]
        assert said(one, "/a/") == 404
        same = {"kind": "api", "document": mock("/a/", "b", api_id="b")}
        status, body = one.admin("POST", "/tyk/cluster/apply", {"changes": [good, same]})
        assert status == 400
        assert '/a/ is taken by the API "a"' in body["message"]
        policy = {"kind": "policy", "id": "p", "document": {"rate": 1, "per": 1, "active": True}}
        status, body = one.admin("POST", "/tyk/cluster/apply", {"changes": [good, policy], "generation": 0})
        assert (status, body) == (200, {"status": "ok", "generation": 1})
        assert said(one, "/a/") == b"a"
        assert one.admin("GET", "/tyk/policies/p")[0] == 200
        both = {"changes": [{"kind": "api", "id": "a", "action": "delete"}, {**policy, "action": "delete"}]}
        assert one.admin("POST", "/tyk/cluster/apply", {**both, "generation": 0})[0] == 409
        assert one.admin("POST", "/tyk/cluster/apply", both)[1]["generation"] == 2
        assert said(one, "/a/") == 404
        for wrong in (
            {},
            {"changes": 1},
            {"changes": [1]},
            {"changes": [{"kind": "x"}]},
            {"changes": [{"kind": "api"}]},
        ):
            assert one.admin("POST", "/tyk/cluster/apply", wrong)[0] == 400


def test_a_bad_write_changes_nothing(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 1) as (one,):
        assert one.admin("POST", "/tyk/apis", mock("/a/", "good"))[0] == 200
        status, body = one.admin("PUT", "/tyk/apis/a", api("/a/", "ftp://nowhere"))
        assert (status, body["status"]) == (400, "error")
        assert said(one, "/a/") == b"good"
        assert redis_server.command("hlen", names.CLUSTER_HISTORY) == "1"


def test_versions_of_a_shared_api(redis_server, tmp_path):
    with nodes(tmp_path, redis_server, 2) as (one, other):
        assert one.admin("POST", "/tyk/apis", mock("/base/", "base"))[0] == 200
        query = "?base_api_id=base&base_api_version_name=v1&new_version_name=v2"
        assert one.admin("POST", f"/tyk/apis{query}", mock("/child/", "child"))[0] == 200
        until(lambda: call(other, "GET", "/tyk/apis/child")[1].get("x-tyk-base-api-id") == "base")
        assert other.admin("DELETE", "/tyk/apis/child")[0] == 200
        until(lambda: one.admin("GET", "/tyk/apis/base")[1]["definition"]["versions"] == {})
